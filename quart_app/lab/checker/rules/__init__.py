"""The rules, a file for each kind of thing that they are about."""

from quart_app.lab.checker.rules.backlog import HeldBelow, LostIsTold, OthersUnharmed
from quart_app.lab.checker.rules.crowds import EverybodyBack, FewInVain, PeakBelow
from quart_app.lab.checker.rules.effects import Conserved, EffectsEqualKeys
from quart_app.lab.checker.rules.leading import LeaderWithin, OnePerTick, TokensNeverFall
from quart_app.lab.checker.rules.messages import NothingLost, OnceEach, SumIs
from quart_app.lab.checker.rules.order import AnswerAfterQuestion, Converged, SameOrder
from quart_app.lab.checker.rules.parted import CounterConverges, OneTicketPerSeat, ReadsAreMarked
from quart_app.lab.checker.rules.presence import DeathNoticedWithin, NoFalseLeave
from quart_app.lab.checker.rules.reading import Complete, InOrder, ShownOnce
from quart_app.lab.checker.rules.replays import ReactionOnce, ReplayEqualsLive
from quart_app.lab.checker.rules.rule import Rule
from quart_app.lab.checker.rules.storage import AcknowledgedIsKept, SameLog
from quart_app.lab.checker.rules.ways import FewEmpty, Prompt

__all__ = ["RULES", "Rule"]

RULES: dict[str, type[Rule]] = {
    rule.name(): rule
    for rule in (
        HeldBelow,
        OthersUnharmed,
        LostIsTold,
        PeakBelow,
        EverybodyBack,
        FewInVain,
        EffectsEqualKeys,
        Conserved,
        OnePerTick,
        TokensNeverFall,
        LeaderWithin,
        NothingLost,
        OnceEach,
        SumIs,
        SameOrder,
        Converged,
        AnswerAfterQuestion,
        OneTicketPerSeat,
        ReadsAreMarked,
        CounterConverges,
        NoFalseLeave,
        DeathNoticedWithin,
        ShownOnce,
        InOrder,
        Complete,
        ReplayEqualsLive,
        ReactionOnce,
        AcknowledgedIsKept,
        SameLog,
        Prompt,
        FewEmpty,
    )
}
