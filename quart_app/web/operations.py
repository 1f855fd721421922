"""What a REST operation takes and answers, said once beside the handler that does it.

Owns the mark on the handler; the OpenAPI document is made of these marks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])

JSON: Final = "application/json"
_MARK: Final = "envivo_operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`tag`: the part of the program. `answer`: the shape of `data` in the envelope, or of the whole body where `bare`.
    `body`, `query`, `headers`: the shapes of the JSON body, of the query parameters, of the headers. `path`: the shapes
    of places in the path, by name; text where nothing is said. `beside`: shapes of what stands beside `data`, by name.
    `refusals`: the HTTP statuses of refusals beyond those that every operation has; `also`: statuses that answer in
    the same shape as `status`. `body_type`, `answer_type`: the content types; an `answer_type` of "" is no body."""

    tag: str
    answer: Any
    status: int = 200
    body: Any = None
    query: Any = None
    headers: Any = None
    path: tuple[tuple[str, Any], ...] = ()
    beside: tuple[tuple[str, Any], ...] = ()
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
    """What `view` is marked with."""
    return getattr(view, _MARK, None)
