"""How people and their messages look, for the templates: the page modules draw the same with the same rules.

This file owns the colour of a person and what makes a block of messages; twin of `hue` in
`static/js/pages/shared/page.js` and of `follows` in `chat/list.js`, so that a page taken over by its module does not
change under the reader's eyes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from quart import Quart

_HUES = 8
_TOGETHER = timedelta(minutes=5)


def hue(user_id: object) -> str:
    """Return the class that colours the person `user_id`, one of ``hue-0`` … ``hue-7``."""
    return f"hue-{sum(map(ord, str(user_id))) % _HUES}"


def follows(message: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Tell whether `message` continues the block of `before`: the same person, within 5 minutes."""
    if not before or str(before["user_id"]) != str(message["user_id"]):
        return False
    sent, previous = (datetime.fromisoformat(str(each["created_at"])) for each in (message, before))
    return sent - previous < _TOGETHER


def register(app: Quart) -> None:
    """Give every template of `app` the names ``hue`` and ``follows``."""
    app.context_processor(lambda: {"hue": hue, "follows": follows})
