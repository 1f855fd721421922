"""What the chat decides without looking anything up: names of rooms, content, limits.

The functions are pure; they raise ValueError with a text for people, which says what would be right.
"""

from typing import Final

from quart_app.realtime import row_id

CONTENT_CHARACTERS: Final = 4_000
NAME_CHARACTERS: Final = 80
DESCRIPTION_CHARACTERS: Final = 200
ROOMS: Final = 1_000
HISTORY: Final = 50  # messages a newcomer is shown
PAGE_DEFAULT: Final = 50  # messages
PAGE_LIMIT: Final = 200  # messages
PEOPLE: Final = 500  # readers, or people seen last, in one answer

_TOPIC = "rooms/"


def topic_of(room_id: int) -> str:
    """Return the topic of a room."""
    return f"{_TOPIC}{room_id}"


def room_of(topic: str) -> int | None:
    """Return the id of the room that the topic is about, None where it cannot be one."""
    return row_id(topic.removeprefix(_TOPIC))


def topic_alias(name: str) -> str | None:
    """Return `rooms/7` for the path name `7`, the address of a room in the system that this one replaces; else None."""
    return f"{_TOPIC}{name}" if name.isascii() and name.isdigit() else None


def clean_content(text: str) -> str:
    """Return the content of a message as it is kept."""
    content = text.strip()
    if not 0 < len(content) <= CONTENT_CHARACTERS or "\0" in content:
        raise ValueError(f"1 to {CONTENT_CHARACTERS:,} characters besides the space around them")
    return content


def clean_name(text: str) -> str:
    """Return the name of a room as it is kept: on one line, with single spaces."""
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise ValueError(f"1 to {NAME_CHARACTERS} printable characters besides the space around them")
    return name


def clean_description(text: str) -> str:
    """Return the description of a room as it is kept; it may be empty."""
    description = " ".join(text.split())
    if len(description) > DESCRIPTION_CHARACTERS or not (description.isprintable() or not description):
        raise ValueError(f"at most {DESCRIPTION_CHARACTERS} printable characters")
    return description
