"""The URLs of the wire."""

import pytest

from quart_app.client.address import Address, StreamRequest

ONE = StreamRequest(("rooms/1",), None, ())
SEVERAL = StreamRequest(("a", "b/c"), "e-5", ("b/c",))


def test_one_topic_is_a_path_and_several_are_parameters() -> None:
    address = Address.of("http://127.0.0.1:8000", {"user_id": 1, "username": "José"})
    assert address.websocket(ONE) == "ws://127.0.0.1:8000/ws/rooms/1?user_id=1&username=Jos%C3%A9"
    query = "user_id=1&username=Jos%C3%A9&topic=a&topic=b%2Fc&since=e-5&fresh=b%2Fc"
    assert address.events(SEVERAL) == f"http://127.0.0.1:8000/sse?{query}"
    assert address.poll(SEVERAL, 25.0) == f"http://127.0.0.1:8000/poll?{query}&wait=25"
    assert address.send("rooms/1") == "http://127.0.0.1:8000/send/rooms/1?user_id=1&username=Jos%C3%A9"


@pytest.mark.parametrize("url", ["https://example.org/live/", "wss://example.org/live"])
def test_a_secure_server_below_a_prefix(url: str) -> None:
    address = Address.of(url, None)
    assert address.websocket(ONE) == "wss://example.org/live/ws/rooms/1"
    assert address.events(ONE) == "https://example.org/live/sse/rooms/1"


def test_a_host_alone_means_http() -> None:
    assert Address.of("localhost:8000", None).events(ONE) == "http://localhost:8000/sse/rooms/1"


def test_the_token_travels_in_a_header_and_in_no_url() -> None:
    address = Address.of("http://h", {"token": "secret"})
    assert address.headers == {"Authorization": "Bearer secret"}
    for url in (address.websocket(ONE), address.events(ONE), address.poll(ONE, 1), address.send("a")):
        assert "secret" not in url


@pytest.mark.parametrize("url", ["ftp://h", "http://", "", "file:///etc"])
def test_what_is_no_server_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="not a server's address"):
        Address.of(url, None)
