"""`envivo chat`: a room in the terminal, or line by line where there is none."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from quart_app.cli.connection import Server, StatusLines, describe, run, rungs, server_options, transport_option
from quart_app.cli.room_view import RoomView

if TYPE_CHECKING:
    from quart_app.client import Live
    from quart_app.client.messages import Message

HELP = """/ping    time a round trip to the server
/typing  show the others that you are typing
/stats   connections and users of every room
/help    this
/quit    leave (or Ctrl-D)
Anything else is said in the room; // at the start says a line that begins with /."""
TYPING_AGAIN = 3.0
"""The seconds between two signals that somebody goes on typing."""
LAST_WORDS = 5.0
"""The seconds within which the messages of a leaving participant have to be acknowledged."""
MOST_UNSETTLED = 100
REDRAW = 0.5


@click.command()
@click.argument("room", type=click.IntRange(min=0))
@transport_option
@server_options
@click.pass_context
def chat(context: click.Context, /, room: int, transport: str, **server: str) -> None:
    """Chat in ROOM. In a terminal: history, who is here and typing, /help for the commands.

    Without a terminal each line of standard input is a message, everything said is a line of standard output, and the
    end of the input leaves the room. The exit code is 1 when the server said stop (no such room, not allowed).

    \b
    Examples:
      envivo chat 1 --username Alice
      echo Hola | envivo chat 1 --username Bot
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    context.exit(run(_chat(Server(**server), room, rungs(transport))))


async def _chat(server: Server, room: int, transports: tuple[str, ...]) -> int:
    from quart_app.client import Closed, Options, connect

    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    options = server.options(Options(on_status=None if terminal else StatusLines()))
    topic = f"rooms/{room}"
    try:
        live = connect(server.url, [topic], params=server.params, transports=transports, options=options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        async with live:
            participant = Participant(live, topic, server.user_id or server.username)
            if terminal:
                await participant.attend(_typed(participant, server.username))
            else:
                await live.opened()
                await participant.attend(_piped(participant))
    except Closed as error:
        click.echo(f"stopped: {error}", err=True)
        return 1
    return 0


class Participant:
    """One person in one room, who is shown what others say and says what is entered."""

    def __init__(self, live: Live, topic: str, me: str | None) -> None:
        self._live = live
        self._topic = topic
        self._view = RoomView(me)
        self._unsettled: set[asyncio.Task[None]] = set()
        self._typed_at = 0.0
        self._said = 0
        self._news = asyncio.Event()
        self.left = False

    async def attend(self, input: Coroutine[Any, Any, None]) -> None:
        """Run `input`, show the room, and return when everything entered is settled; raise Closed when the server
        says stop."""
        listening = asyncio.create_task(self._listen())
        entering = asyncio.create_task(input)
        try:
            await asyncio.wait({listening, entering}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                await listening
            await entering
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self.settled(0)
                    await self._heard()
        finally:
            for task in (listening, entering, *self._unsettled):
                task.cancel()
            await asyncio.gather(listening, entering, *self._unsettled, return_exceptions=True)

    def enter(self, line: str) -> None:
        """Carry out a line that was entered: obey a command, send a message."""
        command = line.strip()
        if not command:
            return
        if command == "/quit":
            self.left = True
        elif command == "/help":
            click.echo(HELP)
        elif command == "/ping":
            self._start(self._ping())
        elif command == "/stats":
            self._start(self._stats())
        elif command == "/typing":
            self._start(self._signal({"type": "typing", "is_typing": True}))
        elif command.startswith("/") and not command.startswith("//"):
            click.echo(f"! no such command: {command.split()[0]} (/help lists them)")
        else:
            self._typed_at = 0.0
            self._start(self._say(command.removeprefix("/") if command.startswith("//") else command))

    async def settled(self, most: int) -> None:
        """Return when no more than `most` of the things entered are under way."""
        while len(self._unsettled) > most:
            await asyncio.wait(self._unsettled, return_when=asyncio.FIRST_COMPLETED)

    async def _heard(self) -> None:
        """Return when this participant's last message has come back over the stream, as everybody else gets it."""
        while self._view.shown < self._said:
            self._news.clear()
            await self._news.wait()

    def typed(self, text: str) -> None:
        """Tell the room that this person types, or has stopped; `text` is the line as it is being entered."""
        now = time.monotonic()
        if text and not text.startswith("/") and now - self._typed_at > TYPING_AGAIN:
            self._typed_at = now
            self._start(self._signal({"type": "typing", "is_typing": True}))
        elif not text and self._typed_at:
            self._typed_at = 0.0
            self._start(self._signal({"type": "typing", "is_typing": False}))

    def toolbar(self) -> str:
        """Return the status badge, and who is here."""
        return f" {describe(self._live.status)} │ {self._view.summary(time.monotonic())}"

    async def _listen(self) -> None:
        async for message in self._live:
            for line in self._view.take(message, time.monotonic()):
                click.echo(line)
            self._news.set()
            unread, self._view.unread = self._view.unread, None
            if unread is not None:
                self._start(self._signal({"type": "read", "message_id": unread}))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._unsettled.add(task)
        task.add_done_callback(self._unsettled.discard)

    async def _say(self, content: str) -> None:
        from quart_app.client import ClientError

        try:
            answer = await self._live.send(self._topic, {"type": "message", "content": content})
            self._said = max(self._said, int(answer.get("message_id", 0)))
        except ClientError as error:
            click.echo(f"! not sent: {content!r} ({error})")

    async def _signal(self, message: Message) -> None:
        from quart_app.client import ClientError

        # A signal may fail silently: nobody has to be told that a "typing" or a "read" was lost.
        with suppress(ClientError):
            await self._live.send(self._topic, message)

    async def _ping(self) -> None:
        from quart_app.client import ClientError

        began = time.monotonic()
        try:
            await self._live.send(self._topic, {"type": "ping"})
        except ClientError as error:
            click.echo(f"! {error}")
        else:
            click.echo(f"— pong after {(time.monotonic() - began) * 1000:.1f} ms over {self._live.status.transport}")

    async def _stats(self) -> None:
        from quart_app.client import ClientError

        try:
            stats = await self._live.call("GET", "ws/stats")
        except ClientError as error:
            click.echo(f"! {error}")
            return
        click.echo(f"— {stats.get('total_connections')} connections, {stats.get('total_rooms')} rooms")
        for room, counts in stats.get("rooms", {}).items():
            click.echo(f"— room {room}: {counts.get('connections')} connections, {counts.get('users')} users")


async def _typed(participant: Participant, username: str | None) -> None:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.patch_stdout import patch_stdout

    prompt: PromptSession[str] = PromptSession(
        f"{username or 'you'}> ", bottom_toolbar=participant.toolbar, refresh_interval=REDRAW, erase_when_done=True
    )
    prompt.default_buffer.on_text_changed += lambda buffer: participant.typed(buffer.text)
    with patch_stdout():
        click.echo("/help lists the commands, /quit leaves")
        while not participant.left:
            try:
                participant.enter(await prompt.prompt_async())
            except (EOFError, KeyboardInterrupt):
                return


async def _piped(participant: Participant) -> None:
    async for line in _stdin_lines():
        participant.enter(line)
        await participant.settled(MOST_UNSETTLED)
        if participant.left:
            return


async def _stdin_lines() -> AsyncIterator[str]:
    """Give the lines of standard input, which a daemon thread reads: asyncio reads no regular files, and a thread of a
    pool would hold up Ctrl-C.

    The thread reads a file object of its own, because the interpreter may not end while a thread holds the lock of
    `sys.stdin`.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(MOST_UNSETTLED)

    def hand_over(line: str | None) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody listens any more
            loop.call_soon_threadsafe(lines.put_nowait, line)

    def read() -> None:
        with open(sys.stdin.fileno(), encoding=sys.stdin.encoding, closefd=False) as stdin:
            for line in stdin:
                room.acquire()
                hand_over(line)
        hand_over(None)

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while (line := await lines.get()) is not None:
        room.release()
        yield line
