"""Random weather for the engine: scenarios that nobody has thought of, and rules that must hold in all of them.

A seed gives a `Plan`: nodes, clients, and what happens when. `play` runs it in a world of its own, and tells the rule
that was broken, if one was. A plan can be `shrunk`, and `hunt` plays many of them.
"""

from quart_app.lab.soak.hunting import Finding, hunt
from quart_app.lab.soak.plan import Plan, plan_of
from quart_app.lab.soak.shrinking import shrunk
from quart_app.lab.soak.story import Outcome, play

__all__ = ["Finding", "Outcome", "Plan", "hunt", "plan_of", "play", "shrunk"]
