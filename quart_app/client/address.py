"""The addresses of the server's endpoints: every URL and header of a client is built from one base URL. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

SECURE = {"http": False, "ws": False, "https": True, "wss": True}


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """The request for a connection: its topics, the cursor (None: from now), and the topics that the cursor does not
    cover."""

    topics: tuple[str, ...]
    since: str | None
    fresh: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server and the identity of its client. `base` is `host[:port][/prefix]`; `identity` goes into
    every query."""

    base: str
    secure: bool
    identity: tuple[tuple[str, str], ...]
    token: str | None

    @classmethod
    def of(cls, url: str, params: Mapping[str, object] | None) -> Address:
        """Return the address of `url` (http, https, ws, wss; `host:port` means http); raise ValueError."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in SECURE or not parts.hostname:
            raise ValueError(f"not a server's address: {url!r} (expected for example http://127.0.0.1:8000)")
        known = {name: str(value) for name, value in (params or {}).items() if value is not None}
        token = known.pop("token", None)
        base = parts.netloc + parts.path.rstrip("/")
        return cls(base, SECURE[parts.scheme], tuple(sorted(known.items())), token)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request. They carry the token, so that it stays out of access logs."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def websocket(self, request: StreamRequest) -> str:
        """Return the URL of a WebSocket."""
        return self._url("wss" if self.secure else "ws", *self._stream("ws", request))

    def events(self, request: StreamRequest) -> str:
        """Return the URL of a stream of server-sent events."""
        return self.http(*self._stream("sse", request))

    def poll(self, request: StreamRequest, wait: float) -> str:
        """Return the URL of one long poll that may take `wait` seconds."""
        path, query = self._stream("poll", request)
        return self.http(path, [*query, ("wait", f"{wait:g}")])

    def send(self, topic: str) -> str:
        """Return the URL that takes messages for `topic`."""
        return self.http(f"send/{quote(topic)}", list(self.identity))

    def http(self, path: str, query: list[tuple[str, str]]) -> str:
        """Return the URL of `path` below the server's root."""
        return self._url("https" if self.secure else "http", path, query)

    def _stream(self, kind: str, request: StreamRequest) -> tuple[str, list[tuple[str, str]]]:
        query = list(self.identity)
        path = kind
        if len(request.topics) == 1:
            path = f"{kind}/{quote(request.topics[0])}"
        else:
            query += [("topic", topic) for topic in request.topics]
        if request.since is not None:
            query.append(("since", request.since))
        return path, query + [("fresh", topic) for topic in request.fresh]

    def _url(self, scheme: str, path: str, query: list[tuple[str, str]]) -> str:
        return f"{scheme}://{self.base}/{path}" + (f"?{urlencode(query)}" if query else "")
