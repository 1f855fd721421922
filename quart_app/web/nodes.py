"""What an answer says of the nodes that it is made of, where there are several.

This file owns the field `nodes` and the header that stands for it where older clients read the whole body.
"""

from typing import Any, Final

from quart import Response

from quart_app.realtime import Identity, NodesHeard, Survey

SILENT_NODES: Final = "X-Envivo-Silent-Nodes"
_A_NODE: Final = "node"  # what others than administrators know a node by

NODES: Final[tuple[tuple[str, Any], ...]] = (("nodes", NodesHeard),)
"""What an operation says of the field, which stands beside `data` where there are several nodes."""


def beside_data(survey: Survey, who: Identity) -> dict[str, Any]:
    """Return the field `nodes` for `who`; nothing where one node is all."""
    heard = survey.heard
    return {} if heard is None else {"nodes": {**heard, "silent": _named(survey, who)}}


def with_silent(answer: Response, survey: Survey, who: Identity) -> Response:
    """Return an answer, with a header that names the silent nodes where there are some."""
    if survey.silent:
        answer.headers[SILENT_NODES] = ", ".join(_named(survey, who))
    return answer


def _named(survey: Survey, who: Identity) -> list[str]:
    return survey.silent if who.is_admin else [_A_NODE for _ in survey.silent]
