"""A real OpenID provider in a process of its own (tests/js/provider.mjs), and people who sign in at it."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import httpx
import pytest

from tests.running import NODE_CLIENTS, find_node

NODE_NEEDED = 20


class ProviderProcess:
    """The provider at `url`, which `tell` tells to be a worse one."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self._process = process
        self.url = process.stdout.readline().strip()
        assert self.url, "the provider has not started"

    def tell(self, **what: Any) -> None:
        """Tell the provider to `rotate` its keys, to `lie` in its ID tokens or `elsewhere`, or to be `broken`; nothing
        is the end of that."""
        assert httpx.post(f"{self.url}/test", json=what).status_code == 200

    def access_token(self, audience: str) -> str:
        """Return an access token for a program, which the provider has signed for `audience`."""
        form = {"grant_type": "client_credentials", "resource": audience}
        answer = httpx.post(f"{self.url}/token", data=form, auth=("program", "its%20own"))
        return str(answer.json()["access_token"])


@contextmanager
def provider_process() -> Iterator[ProviderProcess]:
    node = find_node()
    assert node is not None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip("v").partition(".")[0]) < NODE_NEEDED:
        pytest.skip(f"the provider needs Node.js {NODE_NEEDED}, and this is {version.strip()}")
    with subprocess.Popen(
        [node, "provider.mjs"], cwd=NODE_CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            yield ProviderProcess(process)
        finally:
            process.terminate()


class Visitor(httpx.Client):
    """A browser, as far as signing in needs one: it keeps cookies and follows redirects only where it is told to."""

    def __init__(self, server: str, language: str = "en") -> None:
        super().__init__(base_url=server, timeout=20, headers={"Accept": "text/html", "Accept-Language": language})

    def begin(self, next: str = "/", **more: str) -> str:
        """Begin to sign in; return the address at the provider."""
        sent = self.get("/session/oidc", params={"next": next, **more})
        assert sent.status_code == 303, sent.text
        return sent.headers["Location"]

    def confirm(self, address: str, login: str) -> str:
        """Go through the forms of the provider at `address` as the person `login`; return the address that it sends
        them back to."""
        while True:
            page = self.get(address)
            if page.is_redirect:
                address = str(page.url.join(page.headers["Location"]))
            else:
                action = re.search(r'action="([^"]+)"', page.text)
                assert action is not None, page.text
                hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
                form = {**hidden, "login": login, "password": "any"}
                answer = self.post(page.url.join(unescape(action[1])), data=form)
                address = str(answer.url.join(answer.headers["Location"]))
            if "/session/oidc/back" in address:
                return address

    def refuse(self, address: str) -> str:
        """Cancel at the provider; return the address that it sends the visitor back to."""
        while "/session/oidc/back" not in address:
            page = self.get(address)
            if page.is_redirect:
                address = str(page.url.join(page.headers["Location"]))
            else:
                address = re.search(r'href="([^"]+/abort)"', page.text)[1]  # type: ignore[index]  # it has the link
        return address

    def sign_in(self, login: str, next: str = "/", **more: str) -> httpx.Response:
        """Sign in as `login`, from the beginning to what we answer in the end."""
        return self.get(self.confirm(self.begin(next, **more), login))

    @property
    def session(self) -> dict[str, Any] | None:
        """Who we say that the visitor is; None where they are nobody."""
        answer = self.get("/api/session")
        return dict(answer.json()["data"]) if answer.status_code == 200 else None
