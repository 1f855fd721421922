"""How the engine and the domains refuse a request that its sender can understand."""

from collections.abc import Mapping
from typing import Any

from quart_app.realtime import limits


class Refused(Exception):
    """A request that cannot be honoured, for a reason its sender can understand.

    `code` is the wire's error code, and `status` the HTTP status. `fields` tells what is wrong by the name of the
    field, and `retry_after` is the seconds after which the request may be tried again.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields
        self.retry_after = retry_after

    def data(self) -> dict[str, Any]:
        """Return the `data` of the `error` message that tells of it; `retry_after` is in ms there.

        Clients repeat what they sent after that time. Where it would be long, they tell whoever sent it instead.
        """
        data: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.fields:
            data["fields"] = dict(self.fields)
        if self.retry_after is not None and self.retry_after <= limits.REPEATED_WITHIN:
            data["retry_after"] = round(self.retry_after * 1000)
        return data
