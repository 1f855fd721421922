"""What a file of one's own imports: `envivo serve --functions my_feeds.py` calls what it declares.

    from quart_app.functions import command, feed, on, publish

The rest of this package reads, calls and reloads such a file.
"""

from quart_app.functions.declaring import command, feed, on
from quart_app.functions.publishing import publish
from quart_app.realtime import Refused

__all__ = ["Refused", "command", "feed", "on", "publish"]
