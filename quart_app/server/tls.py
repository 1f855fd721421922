"""A certificate for this machine's own use of HTTPS, made once and kept.

This module owns the files of ``envivo serve --tls``. For a public address a real certificate goes into the server's
configuration (``certfile``, ``keyfile``) or the proxy before it.
Errors: `TlsError`.
"""

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from filelock import FileLock, Timeout

from quart_app.config import Settings
from quart_app.doors import WILDCARDS

_LIFETIME = timedelta(days=820)  # Apple's systems refuse more than 825, from private authorities too
_RENEWED_BEFORE = timedelta(days=30)
_ALWAYS = ("localhost", "127.0.0.1", "::1")


class TlsError(RuntimeError):
    """The certificate can neither be read nor made."""


@dataclass(frozen=True)
class LocalCertificate:
    """The files of a certificate: ``certificate`` holds key and chain in one PEM file, ``authority`` is what a browser
    imports to trust it."""

    certificate: Path
    authority: Path


def local_certificate(settings: Settings) -> LocalCertificate:
    """Return the certificate for localhost and ``settings.host``; make it where it is missing or about to expire.

    It is kept in ``envivo-tls`` beside the SQLite file, else in the user's cache folder. Raise `TlsError`.
    """
    database = settings.sqlite_path
    folder = database.absolute().parent / "envivo-tls" if database else Path.home() / ".cache" / "envivo" / "tls"
    kept = LocalCertificate(folder / "localhost.pem", folder / "authority.pem")
    own_name = socket.gethostname() if settings.host in WILDCARDS else settings.host
    names = tuple(dict.fromkeys((*_ALWAYS, own_name)))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=20):
            if not _serves(kept, names):
                _make(kept, names)
    except (OSError, Timeout) as error:
        raise TlsError(f"cannot keep a certificate in {folder}: {error}") from error
    return kept


def _serves(kept: LocalCertificate, names: tuple[str, ...]) -> bool:
    try:
        certificate = x509.load_pem_x509_certificates(kept.certificate.read_bytes())[0]
        covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return False
    if not kept.authority.exists() or certificate.not_valid_after_utc < datetime.now(UTC) + _RENEWED_BEFORE:
        return False
    return {str(name.value) for name in covered} >= set(names)


def _make(kept: LocalCertificate, names: tuple[str, ...]) -> None:
    # The authority's own key is not kept: nobody can sign another certificate with what lies here.
    authority = trustme.CA(organization_name="En Vivo", organization_unit_name="this machine only")
    issued = authority.issue_cert(*names, not_after=datetime.now(UTC) + _LIFETIME)
    authority.cert_pem.write_to_path(str(kept.authority))
    unfinished = kept.certificate.with_suffix(".new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(issued.private_key_and_cert_chain_pem.bytes())
    unfinished.replace(kept.certificate)
