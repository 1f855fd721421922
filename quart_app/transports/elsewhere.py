"""Connections that another node has: what requests that come here have to say about them is done there.

A balancer brings each request of a client to any node. So `POST /send` is passed on to the node that has the client's
connection, and a long poll takes its connection along to the node that it has come to.
"""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import msgspec

from quart_app.realtime import Connection, EndedMeanwhile, Hub, Identity, Opening, Refused, Unanswered, limits

_SEND = "send"
_TAKE = "take"


class Named(NamedTuple):
    """A connection as its client names it: its id, the door by which the client comes, and the client's `user_id`, None
    at an open door, where the id alone proves whose the connection is."""

    id: str
    door: str
    user_id: str | None


def known(hub: Hub, named: Named) -> Connection | None:
    """Return the connection where it is here. Raise Refused where it is somebody else's."""
    connection = hub.connections.get(named.id)
    if connection is None or connection.door != named.door:
        return None
    if named.user_id is not None and connection.identity.user_id != named.user_id:
        raise Refused("forbidden", "this connection is somebody else's", status=403)
    return connection


async def perform_anywhere(hub: Hub, identity: Identity, named: Named, data: bytes, topic: str) -> list[bytes]:
    """Carry out what `identity` sent about `topic` by a request, on the node that has its connection, and where there
    is none, here; return the answers, as they go out. Nothing happens twice. Raise Refused."""
    answers = await _perform_by_connection(hub, identity, named, data, topic)
    return await perform_for(hub, identity, data, topic) if answers is None else answers


async def _perform_by_connection(
    hub: Hub, identity: Identity, named: Named, data: bytes, topic: str
) -> list[bytes] | None:
    for _ in range(1 + round(limits.FORWARD / limits.TAKING)):
        if (answers := await perform(hub, named, data, topic)) is not None:
            return answers
        if not (named.id and hub.backplane.shared):
            return None
        try:
            answers = await perform_there(hub, named, data, topic)
        except Unanswered:
            if identity.nameless or not _has_key(data):
                said = "the node that has your connection does not answer; perhaps it has done what you asked for"
                raise _unavailable(said) from None
        if answers is not None or not identity.nameless:
            return answers
        await asyncio.sleep(limits.TAKING)  # it may be on its way from one node to another
    raise _unavailable("your connection is not there, so nobody knows who you are: open another one")


def _unavailable(said: str) -> Refused:
    return Refused("unavailable", said, status=503, retry_after=1.0)


def _has_key(data: bytes) -> bool:
    try:
        return "key" in msgspec.json.decode(data, type=dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


async def perform(hub: Hub, named: Named, data: bytes, topic: str) -> list[bytes] | None:
    """Carry out what the client of a connection sent about `topic` by a request, where the connection is here; return
    the answers, as they go out, and None where the client does not speak by it. Raise Refused."""
    connection = known(hub, named)
    if connection is None:
        return None
    takes = connection.takes(topic)
    if not takes and named.user_id is not None:
        return None
    return await perform_for(hub, connection if takes else connection.identity, data, topic)


async def perform_for(hub: Hub, speaker: Connection | Identity, data: bytes, topic: str) -> list[bytes]:
    """Carry out what somebody sent about `topic` by a request; return the answers, as they go out. Raise Refused."""
    identity = speaker if isinstance(speaker, Identity) else speaker.identity
    if identity.payer:
        hub.count_request(identity)
    answers = await hub.answer(speaker, data, topic)
    await hub.numbered()  # the next request may reach another node
    return [answer.json for answer in answers]


async def perform_there(hub: Hub, named: Named, data: bytes, topic: str) -> list[bytes] | None:
    """Have it carried out by the node that has the connection; None where none has. Raise Refused, and Unanswered where
    a node that may have it does not answer."""
    return await hub.nodes.find(_SEND, *named, data, topic, tag=_tag(hub, named), wait=limits.FORWARD)  # type: ignore[no-any-return]  # it is what `_perform` returns


async def resume(hub: Hub, asked: Opening, named: Named) -> Connection:
    """Return the connection of a long poll that goes on, be it from another node. Raise as `Hub.resume` does."""
    asked = replace(asked, connection_id=named.id)
    connection = known(hub, named)
    whose: Identity | None = None
    if connection is not None:
        whose = connection.identity
    elif named.id and hub.backplane.shared:
        whose = await take(hub, named)
    if whose is not None and named.user_id is None:
        asked = replace(asked, identity=whose)
    return await hub.resume(asked, connection)


async def take(hub: Hub, named: Named) -> Identity | None:
    """Let the connection of a long poll be here from now on; return whose it is, None where no node tells.

    Raise EndedMeanwhile where it has ended between two requests, and Refused.
    """
    try:
        answer = await hub.nodes.find(_TAKE, *named)
    except Unanswered:
        return None
    if answer is None:
        return None
    if "words" in answer:
        raise EndedMeanwhile(answer["words"])
    return msgspec.convert(answer, Identity)


def answer_others(hub: Hub) -> None:
    """Do from now on what other nodes ask about connections that are here."""
    hub.nodes.answer(_SEND, partial(_perform, hub))
    hub.nodes.answer(_TAKE, partial(_give, hub))


async def _perform(hub: Hub, id: str, door: str, user_id: str | None, data: bytes, topic: str) -> list[bytes] | None:
    return await perform(hub, Named(id, door, user_id), data, topic)


async def _give(hub: Hub, id: str, door: str, user_id: str | None) -> dict[str, Any] | None:
    """Give a connection up to another node. Its user stays present here for as long as if it was lost, so that nobody
    sees it leave before it has come there."""
    try:
        hub.check_ended(id)
    except EndedMeanwhile as away:
        return {"words": away.words}
    connection = known(hub, Named(id, door, user_id))
    if connection is None:
        return None
    hub.closed(connection)
    identity: dict[str, Any] = msgspec.to_builtins(connection.identity)
    return identity


def _tag(hub: Hub, named: Named) -> str:
    """Return what the node of a connection is known by, unless the connection has been taken to another one."""
    return named.id[: len(hub.backplane.tag)]
