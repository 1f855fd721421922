"""Tortoise is imported here before anything else imports it, and without its search for comments.

It parses the source of every model, its own base class among them, for comments on the fields (`#:`). We write none,
and the search takes an eighth of a start.
"""

import inspect
from typing import Any


def _no_source(object: Any) -> str:
    raise OSError("the source is not looked at")


_getsource = inspect.getsource
inspect.getsource = _no_source
try:
    from tortoise import models
finally:
    inspect.getsource = _getsource


def _no_comments(cls: type[models.Model]) -> dict[str, str]:
    return {}


models._get_comments = _no_comments
