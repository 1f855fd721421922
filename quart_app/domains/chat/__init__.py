"""The chat: rooms with history, presence, typing and read receipts."""

from quart_app.domains import Program
from quart_app.domains.chat.attendance import Attendance
from quart_app.domains.chat.channel import RoomChannel
from quart_app.domains.chat.events import TOPICS
from quart_app.domains.chat.pages import pages
from quart_app.domains.chat.rules import topic_alias
from quart_app.domains.chat.service import Chat
from quart_app.domains.chat.views import routes

MODELS = "quart_app.domains.chat.models"


def contribute(program: Program) -> None:
    """Add the chat to `program`: its rooms, their REST and their pages."""
    chat = Chat(program)
    attendance = Attendance(program.hub, chat)
    program.hub.channels.add("rooms/*", RoomChannel(chat, attendance))
    program.hub.channels.add_alias(topic_alias)
    program.describe(*TOPICS)
    program.add_routes(routes(program, chat, attendance))
    program.add_routes(pages(program, chat))
    program.add_to_menu("/chat", "nav.chat")
    program.at_start(chat.make_first_rooms)
