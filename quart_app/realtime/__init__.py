"""The engine: a log, a bus, subscriptions as cursors, presence and feeds.

It knows nothing of Quart, of the ORM or of any domain. The names below are what the rest of the program may use, and
`limits` beside them; everything else is private to the engine.
"""

from quart_app.realtime.allowance import Allowance
from quart_app.realtime.batch import Batch, Form, visible
from quart_app.realtime.channel import Channel, Peer, Welcome
from quart_app.realtime.connection import Connection, Opening, public_id_of
from quart_app.realtime.contract import MessageShape, TopicShape
from quart_app.realtime.counters import Counters, Histogram, Traffic
from quart_app.realtime.encoding import encode, fields_json, timestamp
from quart_app.realtime.event import Event, Message, message, now
from quart_app.realtime.feed import Feed
from quart_app.realtime.hub import Hub
from quart_app.realtime.identity import ADMIN, Identity
from quart_app.realtime.kinds import Kind
from quart_app.realtime.log import EventLog, Trimmed
from quart_app.realtime.parking import SentAway
from quart_app.realtime.presence import Presence
from quart_app.realtime.refused import Refused
from quart_app.realtime.subscription import Subscription
from quart_app.realtime.timers import Heartbeat
from quart_app.realtime.validation import all_cleaned, checked, cleaned, in_words, row_id, too_deep, wrong_fields
from quart_app.wire import Close, Cursor, is_topic_name

__all__ = [
    "ADMIN",
    "Allowance",
    "Batch",
    "Channel",
    "Close",
    "Connection",
    "Counters",
    "Cursor",
    "Event",
    "EventLog",
    "Feed",
    "Form",
    "Heartbeat",
    "Histogram",
    "Hub",
    "Identity",
    "Kind",
    "Message",
    "MessageShape",
    "Opening",
    "Peer",
    "Presence",
    "Refused",
    "SentAway",
    "Subscription",
    "TopicShape",
    "Traffic",
    "Trimmed",
    "Welcome",
    "all_cleaned",
    "checked",
    "cleaned",
    "encode",
    "fields_json",
    "in_words",
    "is_topic_name",
    "message",
    "now",
    "public_id_of",
    "row_id",
    "timestamp",
    "too_deep",
    "visible",
    "wrong_fields",
]
