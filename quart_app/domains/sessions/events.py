"""Sessions have no topics: whose session ends is told to nobody but its own clients."""

from typing import Final

from quart_app.realtime import TopicShape

TOPICS: Final[tuple[TopicShape, ...]] = ()
