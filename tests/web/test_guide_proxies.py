"""The configurations of nginx and Caddy in the guide, run as they stand there: each transport gets through at once, and
the server knows where a client is."""

import asyncio
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from quart_app.client import Options, connect
from quart_app.web.guide.book import FOLDER
from tests.running import ServerProcess, wait_until

PAGE = FOLDER / "en" / "20-operate.md"
CERTIFICATE = "/etc/letsencrypt/live/envivo.example.org"


@dataclass(frozen=True)
class Proxied:
    """The server's address behind a proxy, and what its certificate is verified with."""

    url: str
    tls: ssl.SSLContext | None


def configuration(language: str) -> str:
    block: str
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return block


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], folder: Path, address: str, verify: ssl.SSLContext | bool) -> Iterator[None]:
    """Run the proxy until the block ends; what it said is shown where it does not serve."""
    log = folder / "proxy.log"
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with log.open("w") as said, subprocess.Popen(command, stdout=said, stderr=said, env=environment) as process:

        def serves() -> bool:
            assert process.poll() is None, log.read_text("utf-8")
            try:
                return httpx.get(f"{address}/health", verify=verify).status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(serves, 20)
            yield
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that believes the proxy, as the guide says."""
    started = ServerProcess(tmp_path_factory.mktemp("server"), trusted_proxies="127.0.0.1").start()
    yield started
    started.check_clean_end()


@pytest.fixture(scope="module")
def nginx(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("nginx")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    leaf.private_key_pem.write_to_path(folder / "privkey.pem")
    for certificate in leaf.cert_chain_pems:
        certificate.write_to_path(folder / "fullchain.pem", append=True)
    port = free_port()
    site = configuration("nginx").replace("listen 443", f"listen 127.0.0.1:{port}").replace(CERTIFICATE, str(folder))
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}").replace("envivo.example.org", "localhost")
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{site}\n}}"
    )
    context = ssl.create_default_context()
    authority.configure_trust(context)
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, folder, f"https://localhost:{port}", context):
        yield Proxied(f"https://localhost:{port}", context)


@pytest.fixture(scope="module")
def caddy(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("caddy")
    address = f"http://localhost:{free_port()}"
    site = configuration("caddy").replace("envivo.example.org", address)
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    (folder / "Caddyfile").write_text(f"{{\n    admin off\n    grace_period 1s\n}}\n{site}")
    command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with running(command, folder, address, verify=True):
        yield Proxied(address, None)


async def hears_itself(proxied: Proxied, transport: str) -> None:
    """A message goes up and comes back over `transport`, without a rung below it."""
    topic = f"log/behind-{transport}"
    options = Options(tls=proxied.tls)
    async with asyncio.timeout(20), connect(proxied.url, [topic], transports=[transport], options=options) as live:
        assert (await live.opened()).transport == transport
        await live.send(topic, {"type": "said", "data": {"words": "through"}})
        async for message in live:
            if message["type"] == "said":
                assert message["data"] == {"words": "through"}
                return


@pytest.mark.nginx
@pytest.mark.parametrize("transport", ["ws", "sse", "poll"])
async def test_nginx_lets_each_transport_through(nginx: Proxied, transport: str) -> None:
    await hears_itself(nginx, transport)


@pytest.mark.caddy
@pytest.mark.parametrize("transport", ["ws", "sse", "poll"])
async def test_caddy_lets_each_transport_through(caddy: Proxied, transport: str) -> None:
    await hears_itself(caddy, transport)


@pytest.mark.nginx
async def test_a_page_behind_nginx_is_of_the_same_site(nginx: Proxied) -> None:
    """The Host is passed on, so that the page's origin is the server's own."""
    assert nginx.tls is not None
    async with httpx.AsyncClient(base_url=nginx.url, verify=nginx.tls) as browser:
        message = {"topic": "log/origins", "type": "said", "data": {}}
        allowed = await browser.post("/api/publish", json=message, headers={"Origin": nginx.url})
        refused = await browser.post("/api/publish", json=message, headers={"Origin": "https://evil.example"})
        page = await browser.get("/guide/clients")
    assert allowed.status_code == 202
    assert refused.json()["error"]["code"] == "origin_not_allowed"
    assert f"{nginx.url}/static/js/envivo/index.js" in page.text


@pytest.mark.parametrize("name", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("nginx", "caddy")])
def test_the_security_log_has_the_address_of_the_client(
    server: ServerProcess, name: str, request: pytest.FixtureRequest
) -> None:
    proxied: Proxied = request.getfixturevalue(name)
    elsewhere = {"nginx": "127.0.0.2", "caddy": "127.0.0.3"}[name]
    transport = httpx.HTTPTransport(verify=proxied.tls or True, local_address=elsewhere)
    evil = {"Origin": "https://evil.example", "X-Forwarded-For": "203.0.113.9"}
    with httpx.Client(base_url=proxied.url, transport=transport) as client:
        assert client.post("/api/publish", json={}, headers=evil).status_code == 403
    newest = httpx.get(f"{server.url}/api/security-log").json()["data"][0]
    assert (newest["result"], newest["address"]) == ("origin_not_allowed", elsewhere)
