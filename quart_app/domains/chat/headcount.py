"""How many connections and how many people follow the rooms, on all nodes together."""

from collections import Counter, defaultdict

from quart_app.domains.chat import rules
from quart_app.domains.chat.shapes import RoomStats
from quart_app.realtime import Hub, Survey, limits

_QUESTION = "the rooms"


class Headcount:
    """The counts of the rooms' connections and users."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        hub.nodes.answer(_QUESTION, self._here)

    async def stats(self) -> tuple[RoomStats, Survey]:
        """Return the counts, and of which nodes they are. Somebody who is on several nodes counts once, unless there
        are so many that their nodes tell only the number."""
        survey = await self._hub.nodes.survey(_QUESTION)
        connections, more = Counter[int](), Counter[int]()
        users: defaultdict[int, set[str]] = defaultdict(set)
        for _, rooms in survey.answers:
            for id, count, known in rooms:
                connections[id] += count
                if isinstance(known, int):
                    more[id] += known
                else:
                    users[id].update(known)
        counts: RoomStats = {
            "total_connections": sum(total for total, _ in survey.answers),
            "total_rooms": len(connections),
            "rooms": {
                str(id): {"connections": count, "users": len(users[id]) + more[id]}
                for id, count in sorted(connections.items())
            },
        }
        return counts, survey

    async def _here(self) -> tuple[int, list[tuple[int, int, list[str] | int]]]:
        """Return how many connections of this node follow rooms, and for each room its id, its connections and its
        users: who they are, or how many."""
        users: defaultdict[int, list[str]] = defaultdict(list)
        total = 0
        for connection in self._hub.connections.values():
            ids = [id for topic in connection.topics if (id := rules.room_of(topic)) is not None]
            total += bool(ids)
            for id in ids:
                users[id].append(connection.identity.user_id)
        rooms: list[tuple[int, int, list[str] | int]] = []
        told = 0
        for id, here in users.items():
            different = set(here)
            told += len(different)
            rooms.append((id, len(here), list(different) if told <= limits.NAMES_TOLD else len(different)))
        return total, rooms
