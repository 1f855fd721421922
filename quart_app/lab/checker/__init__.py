"""The checker: rules that read a run event by event, and say whether it breaks them.

`History` follows each message through a run; a `Rule` looks at it after each event, and gives a `Verdict`: no
counter-example was found, it is not known yet, or it is broken, which is shown by at most six events.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from quart_app.lab.checker.history import History
from quart_app.lab.checker.rules import RULES, Rule
from quart_app.lab.checker.verdict import MOST_SHOWN, Breach, State, Verdict

__all__ = ["MOST_SHOWN", "RULES", "Breach", "History", "Rule", "State", "Verdict", "check"]


def check(events: Iterable[Mapping[str, Any]], rules: Sequence[str]) -> list[Verdict]:
    """Return the verdicts of some rules on a run."""
    history = History()
    judges = [RULES[name]() for name in rules]
    for event in events:
        history.add(event)
        for judge in judges:
            judge.see(event, history)
    return [judge.verdict(history) for judge in judges]
