"""The engine: a log, a bus, subscriptions as cursors, presence and feeds.

It knows nothing of Quart, of the ORM or of any domain. The names below are what the rest of the program may use, and
`limits` beside them; everything else is private to the engine.
"""

from quart_app.realtime.clients.allowance import Allowance
from quart_app.realtime.clients.channel import Channel, Peer, Welcome, topic_closed
from quart_app.realtime.clients.connection import Connection, Opening, public_id_of
from quart_app.realtime.clients.delivering import ConnectionDelivery
from quart_app.realtime.clients.feed import Feed
from quart_app.realtime.clients.identity import ADMIN, Identity, TopicRights
from quart_app.realtime.clients.leases import NO_LEASE, Leading, Lease, leading, not_leading
from quart_app.realtime.clients.nodes import NodesHeard, Survey, Unanswered
from quart_app.realtime.clients.parking import EndedMeanwhile
from quart_app.realtime.clients.presence import Presence
from quart_app.realtime.clients.quotas import Quota
from quart_app.realtime.clients.revocations import Revocations
from quart_app.realtime.clients.timers import Wheel
from quart_app.realtime.clients.turns import turns
from quart_app.realtime.flow.backplane import UNKNOWN, Backplane, Count, Entry, Holding, Sink
from quart_app.realtime.flow.counters import Histogram, Meeting, Traffic
from quart_app.realtime.flow.log import MemoryLog, Trimmed
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.flow.terms import Term, Terms
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages import contract
from quart_app.realtime.messages.batch import Batch, Form, visible
from quart_app.realtime.messages.contract import CursorText, MessageShape, TopicShape
from quart_app.realtime.messages.encoding import DEFLATE_TAIL, deflated, encode, fields_json, timestamp
from quart_app.realtime.messages.event import Event, Message, ReactionEvent, message
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.realtime.messages.validation import (
    all_cleaned,
    checked,
    cleaned,
    row_id,
    too_deep,
    wrong_fields,
)

__all__ = [
    "ADMIN",
    "DEFLATE_TAIL",
    "NO_LEASE",
    "UNKNOWN",
    "Allowance",
    "Backplane",
    "Batch",
    "Channel",
    "Connection",
    "ConnectionDelivery",
    "Count",
    "CursorText",
    "EndedMeanwhile",
    "Entry",
    "Event",
    "Feed",
    "Form",
    "Histogram",
    "Holding",
    "Hub",
    "Identity",
    "Kind",
    "Leading",
    "Lease",
    "Meeting",
    "MemoryLog",
    "Message",
    "MessageShape",
    "NodesHeard",
    "Opening",
    "Peer",
    "Presence",
    "Quota",
    "ReactionEvent",
    "Refused",
    "Revocations",
    "Sink",
    "Subscription",
    "Survey",
    "Term",
    "Terms",
    "TopicRights",
    "TopicShape",
    "Traffic",
    "Trimmed",
    "Unanswered",
    "Welcome",
    "Wheel",
    "all_cleaned",
    "checked",
    "cleaned",
    "contract",
    "deflated",
    "encode",
    "fields_json",
    "leading",
    "message",
    "not_leading",
    "public_id_of",
    "row_id",
    "timestamp",
    "too_deep",
    "topic_closed",
    "turns",
    "visible",
    "wrong_fields",
]
