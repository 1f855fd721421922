"""The Redis that tests start does what is done to it."""

import pytest
import redis

from tests.servers import Redis

pytestmark = pytest.mark.redis


def test_it_keeps_what_it_has_while_it_is_frozen_and_nothing_when_it_ends() -> None:
    with Redis() as server, redis.Redis.from_url(server.url, socket_timeout=0.2) as client:
        client.set("name", "value")
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.get("name")
        server.thaw()
        assert client.get("name") == b"value"
        for end in (server.stop, server.kill):
            client.set("name", "value")
            end()
            with pytest.raises(redis.ConnectionError):
                client.get("name")
            server.start()
            assert client.get("name") is None


def test_one_that_is_frozen_can_be_ended() -> None:
    with Redis() as server:
        server.freeze()
