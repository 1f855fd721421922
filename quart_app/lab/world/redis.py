"""A Redis in small for the world: it runs the scripts of the backplane, passes messages on, and fails as it is told."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from quart_app.backplane import Lost, presence_scripts, scripts
from quart_app.lab.world.attendance import Attendance
from quart_app.realtime import limits

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.decode


class Server:
    """The server. Each of its operations takes `delay` (s), and so does each message."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.lines: dict[str, MemoryLine] = {}
        self.refused: set[str] = set()
        """The tags of nodes that it cannot be reached by."""
        self.order: dict[str, list[bytes]] = {}
        """All transient events, by topic, in the order of their numbers."""
        self._forgotten = 0
        self.forget()

    def forget(self) -> None:
        """Lose all data, and all lines."""
        self._forgotten += 1
        self.names: dict[str, Any] = {}
        self.counts: dict[str, tuple[int, int]] = {}
        self.values: dict[str, dict[str, tuple[int, int, bytes]]] = {}
        self.attendance = Attendance(self._next_number, self._next_place)
        for line in list(self.lines.values()):
            line.cut()

    async def connect(self, prefix: str, channel: str) -> "MemoryLine":
        await asyncio.sleep(self.delay)
        tag = channel.rpartition(":")[2]
        if tag in self.refused:
            raise Lost("it cannot be reached")
        line = self.lines[tag] = MemoryLine(self, channel)
        return line

    def publish(self, channel: str | None, message: bytes) -> None:
        """Pass a message on to a node's channel or, where it is None, to all."""
        for line in self.lines.values():
            if channel in {None, line.channel}:
                line.messages.put_nowait(message)

    def run(self, script: str, arguments: tuple[Any, ...]) -> Any:
        operations: dict[str, Callable[..., Any]] = {
            scripts.HELLO: self._hello,
            scripts.PUBLISH: self._publish,
            scripts.STOCK: self._stock,
            presence_scripts.APPEAR: self._appear,
            presence_scripts.BEAT: self._beat,
            presence_scripts.MOVE: self._move,
            presence_scripts.PRESENT: self._present,
            presence_scripts.RESTORE: self._restore,
            presence_scripts.RETIRE: self._retire,
        }
        return operations[script](*arguments)

    def _hello(self, instance: str, run: str, heard: int, tag: str) -> Any:
        self.names.setdefault("instance", instance)
        self.names.setdefault("run", run)
        fresh = max(1, heard + 1_000_000, int(16_000 * (asyncio.get_running_loop().time() + 1_000 * self._forgotten)))
        sequence = self.names.get("seq", fresh)
        self.names["seq"] = max(sequence, heard)
        return [
            self.names["instance"].encode(),
            self.names["run"].encode(),
            str(self.names.get(f"s:{tag}", 0)).encode(),
            round(1_000 * self.attendance.fresh),
        ]

    def _check(self, instance: str) -> None:
        if self.names.get("instance") != instance:
            raise Lost("OTHER these are other data")

    def _publish(self, instance: str, tag: str, serial: int, kind: str, losses: int, *rest: Any) -> Any:
        self._check(instance)
        lost: list[Any] = []
        for topic, missing in zip(rest[: 2 * losses : 2], rest[1 : 2 * losses : 2], strict=True):
            first, number = self._counted(topic)
            self.counts[topic] = first, number + missing
            self.names["seq"] += missing
            lost += [topic, first, number + missing]
        packed, *rest_of_events = rest[2 * losses :]
        events = zip(*[iter(rest_of_events)] * 4, strict=True)
        numbers: list[int] = []
        for (topic, key, at, body), event in zip(events, _decode(packed), strict=True):
            first, number = self._counted(topic)
            if key and not self._keep(topic, key, (number + 1, at, body), kind):
                numbers += [0, 0]
                continue
            self.counts[topic] = first, number + 1
            self.names["seq"] += 1
            self.order.setdefault(topic, []).append(event[2])
            numbers += [first, number + 1]
        self.names[f"s:{tag}"] = serial
        word = [1, tag, kind, self.names["seq"], serial, lost, numbers, msgspec.Raw(packed)]
        self.publish(None, _encode(word))

    def _counted(self, topic: str) -> tuple[int, int]:
        sequence = self.names["seq"]
        return self.counts.get(topic, (sequence, sequence))

    def _keep(self, topic: str, key: str, value: tuple[int, int, bytes], kind: str) -> bool:
        values = self.values.setdefault(topic, {})
        if (key not in values and len(values) >= limits.STATE_KEYS) or (
            key in values and kind == "again" and values[key][1] >= value[1]
        ):
            return False
        values[key] = value
        return True

    def _stock(self, instance: str, tag: str, channel: str, id: int, *topics: Any) -> None:
        self._check(instance)
        raised: list[Any] = []
        found: list[Any] = []
        for topic, what, first_there, number_there in zip(*[iter(topics)] * 4, strict=True):
            known = topic in self.counts
            first, number = self._counted(topic)
            counted = number_there > first_there
            if not known and counted and (not what or number_there > number):
                first, number = self.counts[topic] = first_there, number_there
            elif known and counted and number_there > number:
                first, number = max(first, first_there), number_there
                self.counts[topic] = first, number
                raised += [topic, first, number]
            if what == "shown":
                number += 1
                self.counts[topic] = first, number
            self.names["seq"] = max(self.names["seq"], number)
            values = self.values.get(topic, {}).values() if what else ()
            found.append([topic, first, number, [[value[0], msgspec.Raw(value[2])] for value in values]])
        if raised:
            self.publish(None, _encode([1, tag, "lost", self.names["seq"], raised]))
        self.publish(channel, _encode([1, tag, "found", id, found]))

    # Presence

    def _next_number(self, topic: str) -> tuple[int, int]:
        first, number = self._counted(topic)
        self.counts[topic] = first, number + 1
        self.names["seq"] += 1
        return first, number + 1

    def _next_place(self) -> int:
        self.names["seq"] += 1
        return int(self.names["seq"])

    def _appear(self, instance: str, tag: str, who: str, lease: int) -> Any:
        self._check(instance)
        self.attendance.appear(who, lease / 1_000)
        topics = [topic.encode() for topic, people in self.attendance.people.items() if people]
        return [topics, [one for item in self.attendance.entries.get(tag, {}).items() for one in item]]

    def _beat(self, instance: str, tag: str, who: str, channel: str, *times: int) -> Any:
        lease, at, buries = times
        self._check(instance)
        lapsed = self.attendance.appear(who, lease / 1_000)
        more = bool(buries) and self.attendance.bury(at)
        self._say(tag)
        self.publish(channel, _encode([1, "", "probe"]))
        return [lapsed or None, more or None, [node.encode() for node in self.attendance.nodes]]

    def bury(self, who: str) -> None:
        """Take a node for gone."""
        self.attendance.nodes[who] = 0.0
        self.attendance.bury(0)
        self._say("")

    def _retire(self, instance: str, tag: str, who: str, lease: int) -> None:
        self._check(instance)
        self.attendance.retire(tag, who, lease / 1_000)

    def _move(self, instance: str, tag: str, who: str, at: int, *changes: Any) -> int:
        self._check(instance)
        if who not in self.attendance.nodes:
            return 0
        for topic, user, person, left, joined in zip(*[iter(changes)] * 5, strict=True):
            if person:
                self.attendance.come_and_tell(tag, topic, user, person, left, joined)
            else:
                self.attendance.leave_and_tell(tag, f"{topic} {user}".encode(), at)
        self._say(tag)
        return 1

    def _say(self, tag: str) -> None:
        if moves := self.attendance.take_moves():
            counts, changes, events = moves
            for event in events:
                if event is not None:
                    topic, _, fields, *_ = _decode(event)
                    self.order.setdefault(topic, []).append(fields)
            told = [None if event is None else msgspec.Raw(event) for event in events]
            self.publish(None, _encode([1, tag, "moved", self.names["seq"], counts, changes, told]))

    def _present(self, instance: str, tag: str, channel: str, *topics: str) -> None:
        self._check(instance)
        self.publish(channel, _encode([1, tag, "present", [self.attendance.everybody(topic) for topic in topics]]))

    def _restore(self, instance: str, tag: str, *topics: Any) -> None:
        self._check(instance)
        rest, found = iter(topics), []
        for topic in rest:
            told, count = (next(rest), next(rest)), next(rest)
            people = [(next(rest), next(rest), next(rest)) for _ in range(count)]
            if self.attendance.restore(topic, told, people):
                found.append(self.attendance.everybody(topic))
        if found:
            self.publish(None, _encode([1, tag, "restored", found]))


class MemoryLine:
    """A line to a server of this process."""

    def __init__(self, server: Server, channel: str) -> None:
        self._server = server
        self.channel = channel
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._lost = asyncio.Event()

    def cut(self) -> None:
        """Lose the line, and what is under way on it."""
        self._lost.set()
        self._server.lines = {tag: line for tag, line in self._server.lines.items() if line is not self}

    async def _takes_time(self) -> None:
        if self._lost.is_set():
            raise Lost("it was cut")
        if self._server.delay:
            try:
                async with asyncio.timeout(self._server.delay):
                    await self._lost.wait()
            except TimeoutError:
                return
            raise Lost("it was cut")

    async def call(self, script: str, *arguments: Any) -> Any:
        await self._takes_time()
        answer = self._server.run(script, arguments)
        await self._takes_time()
        return answer

    async def publish(self, message: bytes, tag: str = "") -> None:
        await self._takes_time()
        self._server.publish(self.channel.rpartition(":")[0] + f":{tag}" if tag else None, message)

    async def receive(self) -> bytes:
        receiving = asyncio.ensure_future(self.messages.get())
        losing = asyncio.ensure_future(self._lost.wait())
        try:
            done, _ = await asyncio.wait(
                [receiving, losing],
                timeout=limits.PROBE + limits.PROBE_DEADLINE,
                return_when=asyncio.FIRST_COMPLETED,
            )
            await self._takes_time()
            if receiving not in done:
                raise Lost("nothing comes")
            return receiving.result()
        finally:
            receiving.cancel()
            losing.cancel()

    async def close(self) -> None:
        self.cut()
