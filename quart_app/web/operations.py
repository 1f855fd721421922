"""What a REST operation takes and answers, said once beside the handler that does it.

This file owns the mark on the handler; the OpenAPI document is made of these marks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])

JSON: Final = "application/json"
_MARK: Final = "envivo_operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a REST operation takes and answers; called on a handler, it marks it.

    `tag` is the part of the program. `answer` is the shape of `data` in the envelope, or of the whole body where
    `bare`. `body`, `query` and `headers` are the shapes of the JSON body, of the query parameters and of the headers.
    `path` has the shapes of places in the path, by name; a place is text where nothing is said. `beside` has the shapes
    of what stands beside `data`, by name, and `perhaps` those of what may stand there. `refusals` are the HTTP statuses
    of refusals beyond those that every operation has; `also` are statuses that answer in the same shape as `status`.
    `body_type` and `answer_type` are the content types; an `answer_type` of "" is no body.
    """

    tag: str
    answer: Any
    status: int = 200
    body: Any = None
    query: Any = None
    headers: Any = None
    path: tuple[tuple[str, Any], ...] = ()
    beside: tuple[tuple[str, Any], ...] = ()
    perhaps: tuple[tuple[str, Any], ...] = ()
    refusals: tuple[int, ...] = ()
    also: tuple[int, ...] = ()
    bare: bool = False
    body_type: str = JSON
    answer_type: str = JSON

    def __call__(self, handler: Handler) -> Handler:
        """Mark `handler`; its docstring is the operation's description."""
        setattr(handler, _MARK, self)
        return handler


def operation_of(view: object) -> Operation | None:
    """Return what `view` is marked with, None where it is not marked."""
    return getattr(view, _MARK, None)
