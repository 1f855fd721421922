"""`/.well-known/security.txt` (RFC 9116): whom to tell of a hole in this server.

Only who runs a server can answer; where nobody is named, there is no such file.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from quart import Blueprint, Response, abort, request

from quart_app.web.context import settings, this_door
from quart_app.web.i18n import LANGUAGES

contact = Blueprint("contact", __name__)

_GOOD_FOR: Final = timedelta(days=180)  # section 2.5.5 recommends less than a year


@contact.get("/.well-known/security.txt")
async def security_txt() -> Response:
    """Return the contact of the settings, which stands for as long as the server says so, and half a year longer."""
    address = settings().security_contact
    if address is None:
        abort(404)
    expires = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _GOOD_FOR
    fields = {
        "Contact": address,
        "Expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages": ", ".join(LANGUAGES),
    }
    if (public := this_door().public_url) is not None:
        fields["Canonical"] = f"{public}{request.path}"
    return Response("".join(f"{name}: {value}\n" for name, value in fields.items()), mimetype="text/plain")
