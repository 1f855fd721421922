"""What is told of hunts and sweeps, and the topics that tell it."""

from typing import Any, Final

from quart_app.domains.lab.shapes import Failure, HuntResult, Progress, SweepResult
from quart_app.realtime import Kind, MessageShape, TopicShape

PROGRESS: Final = "progress"
RESULT: Final = "result"
FAILED: Final = "failed"
STOPPED: Final = "stopped"


def _search(name: str, summary: str, result: Any) -> TopicShape:
    return TopicShape(
        name,
        f"{summary}; a newcomer is told the newest at once.",
        Kind.SIGNAL,
        sends=(
            MessageShape(PROGRESS, "How far it is.", Progress, welcome=True),
            MessageShape(RESULT, "It is done: what came of it.", result, welcome=True),
            MessageShape(FAILED, "It cannot go on.", Failure, welcome=True),
            MessageShape(STOPPED, "Somebody has stopped it.", welcome=True),
        ),
    )


TOPICS: Final = (
    _search("lab/hunts/{id}", "A hunt for seeds that break a strategy", HuntResult),
    _search("lab/sweeps/{id}", "A strategy, for values of a knob", SweepResult),
)
