"""An issuer of access tokens that publishes its keys over HTTP, or something else in their place."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://issuer.example/"
AUDIENCE = "envivo at school"
_ALGORITHMS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


class SigningKey:
    """A private key named `id`, with which the issuer signs by `algorithm`."""

    def __init__(self, algorithm: str, id: str | None = None, *, bits: int = 2048) -> None:
        self.algorithm = algorithm
        self.id = id or algorithm.lower()
        self.private: Any = {
            "RS256": lambda: rsa.generate_private_key(65537, bits),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()

    @property
    def public(self) -> dict[str, Any]:
        """The JSON Web Key that is published."""
        jwk = _ALGORITHMS[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return {**jwk, "kid": self.id, "use": "sig"}

    @property
    def pem(self) -> bytes:
        """The public key, which everybody knows."""
        return bytes(self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def token(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token of the issuer with these `changes` of its claims: None leaves one out, and a timedelta is so
        long from now."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "name": "Ana", "iat": now, "exp": now + 600} | changes
        claims = {
            name: now + int(value.total_seconds()) if isinstance(value, timedelta) else value
            for name, value in claims.items()
            if value is not None
        }
        headers = {"kid": self.id, "typ": "at+jwt", **(header or {})}
        return jwt.encode(claims, self.private, self.algorithm, headers=headers)


class Publisher(ThreadingHTTPServer):
    """What answers at `url` with `status`, `body` and `headers`, and counts how often it was `asked`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.body = b""
        self.headers: dict[str, str] = {}
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/keys"

    def publish(self, *keys: SigningKey) -> None:
        self.body = json.dumps({"keys": [key.public for key in keys]}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def publishing(*keys: SigningKey) -> Iterator[Publisher]:
    with Publisher() as publisher:
        publisher.publish(*keys)
        thread = Thread(target=publisher.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield publisher
        publisher.shutdown()
        thread.join()
