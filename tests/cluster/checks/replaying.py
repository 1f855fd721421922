"""The checks of what it all means: the log is carried out again by the domains' own rules."""

from collections.abc import Iterator

from tests.cluster import models
from tests.cluster.case import Attempt, Case, Command, Finding
from tests.cluster.history import Fail, Ok
from tests.cluster.models.model import Model


def answers(case: Case) -> Iterator[Finding]:
    """Yield each event that the rules do not allow where it stands, and each answer that they would not give there."""
    replay, wrong = case.replay
    for event, why in wrong:
        yield Finding(f"the event at position {event.position} {why}", (event,))
    for command in case.commands:
        if of := replay.get(models.domain_of(command.do)):
            for attempt in command.attempts:
                yield from _judged(case, of, command, attempt)


def _judged(case: Case, model: Model, command: Command, attempt: Attempt) -> Iterator[Finding]:
    low, high = case.window(attempt)
    asked = f"{command.do} of {command.process}"
    match attempt.end:
        case Fail(code=code) if not model.refuses(command.asked, code, low, high):
            said = f"{asked} was refused ({code}), which is right nowhere between positions {low} and {high}"
            yield Finding(said, (attempt.invoke, attempt.end))
        case Ok(answer=answer) if command.mark is None:
            if not model.shows(command.asked, answer, low, high):
                said = f"{asked} saw {answer}, which is right nowhere between positions {low} and {high}"
                yield Finding(said, (attempt.invoke, attempt.end))
        case Ok(answer=answer) if events := case.stored.get(command.mark or ()):
            if (right := model.answer(command.do, events[0])) != answer:
                said = f"{asked} was answered {answer}, and position {events[0].position} means {right}"
                yield Finding(said, (attempt.invoke, attempt.end, events[0]))
        case _:
            pass


def tables(case: Case) -> Iterator[Finding]:
    """Yield each row that is not what the events make of it."""
    replay, _ = case.replay
    made = {name: rows for model in replay.values() for name, rows in model.tables().items()}
    for name, rows in case.tables.items():
        for key in rows.keys() | made[name].keys():
            has, should = rows.get(key), made[name].get(key)
            if has != should:
                yield Finding(f"row {key} of {name} is {has}, and the events make it {should}")
