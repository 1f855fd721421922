"""The sizes and times that both ends of the wire hold to, each with its unit."""

from typing import Final

TOPIC_NAME_CHARACTERS: Final = 128
TOPICS_PER_CONNECTION: Final = 100
KEY_CHARACTERS: Final = 128
TYPE_CHARACTERS: Final = 64
MESSAGE_BYTES: Final = 64 * 1024  # bytes of one message from a client
JSON_DEPTH: Final = 32  # levels of objects and arrays in a client's message
POLL_WAIT: Final = 25.0  # s that a poll waits for a message, by default and at most
HEARTBEAT: Final = 30.0  # s of silence after which a heartbeat comes, unless the welcome names another time
