"""The tables of the guide's page "measure", in both languages: a full run writes them anew, and `costs` its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from quart_app.cli.bench.load import Load
from tests.bench.contenders import CHECKOUT
from tests.bench.rows import MEASURES

PAGES: Final = CHECKOUT / "quart_app" / "guide"
_COSTS: Final = re.compile(r"^\|  \| (?:each|cada) \|.*(?:\n\|.*)*", re.MULTILINE)
_TABLE: Final = re.compile(r"^\|  \| (?:unit|unidad) \|.*(?:\n\|.*)*", re.MULTILINE)

SPANISH: Final[Mapping[str, str]] = {
    "unit": "unidad",
    "deliveries/s": "entregas/s",
    "messages/s": "mensajes/s",
    "connections/s": "conexiones/s",
    "µs of its core": "µs de su núcleo",
    "% of its core": "% de su núcleo",
    "requests/s": "peticiones/s",
    "per 10,000": "por 10.000",
    "s of a core": "s de un núcleo",
    "×": "×",
    "MB": "MB",
    "ms": "ms",
    "s": "s",
    "KB": "KB",
    "bare uvloop": "uvloop mínimo",
    "C epoll": "C con epoll",
    "FastAPI's own streams": "flujos propios de FastAPI",
    "NATS, always synced": "NATS, siempre en disco",
    "the plain way": "la manera simple",
    "ahead of En Vivo": "por delante de En Vivo",
    "times better than bare uvloop": "veces mejor que uvloop mínimo",
    "times better than the plain way": "veces mejor que la manera simple",
    "Fan-out, {subscribers:,} WebSockets, lists of 100": "Reparto, {subscribers:,} WebSockets, listas de 100",
    "Fan-out, {subscribers:,} WebSockets, one message a request": (
        "Reparto, {subscribers:,} WebSockets, un mensaje por petición"
    ),
    "Fan-out, {subscribers:,} WebSockets, one message per loop turn, published inside": (
        "Reparto, {subscribers:,} WebSockets, un mensaje por vuelta del bucle, publicado dentro"
    ),
    "Fan-out, {subscribers:,} event streams, lists of 100": "Reparto, {subscribers:,} flujos de eventos, listas de 100",
    "Fan-out, {subscribers:,} event streams, one message a request": (
        "Reparto, {subscribers:,} flujos de eventos, un mensaje por petición"
    ),
    "Fan-out, {subscribers:,} event streams, one message per loop turn, published inside": (
        "Reparto, {subscribers:,} flujos de eventos, un mensaje por vuelta del bucle, publicado dentro"
    ),
    "the same, what a delivery costs the server": "lo mismo: lo que le cuesta una entrega al servidor",
    "{senders} WebSockets send {sent_rate:,g} messages/s to {subscribers:,} WebSockets": (
        "{senders} WebSockets envían {sent_rate:,g} mensajes/s a {subscribers:,} WebSockets"
    ),
    "{senders} WebSockets send {sent_rate:,g} messages/s to {subscribers:,} event streams": (
        "{senders} WebSockets envían {sent_rate:,g} mensajes/s a {subscribers:,} flujos de eventos"
    ),
    "the same, send to delivery, p99": "lo mismo: del envío a la entrega, p99",
    "Publish to delivery at {steady_rate:g}/s, {few:,} WebSockets, p50": (
        "De publicar a entregar a {steady_rate:g}/s, {few:,} WebSockets, p50"
    ),
    "Publish to delivery at {steady_rate:g}/s, {subscribers:,} WebSockets, p50": (
        "De publicar a entregar a {steady_rate:g}/s, {subscribers:,} WebSockets, p50"
    ),
    "the same, p99": "lo mismo: p99",
    "the same, p99 of the last subscriber": "lo mismo: p99 del último suscriptor",
    "Durable messages, {senders} senders, each acknowledged, {readers} readers": (
        "Mensajes duraderos, {senders} emisores, cada uno confirmado, {readers} lectores"
    ),
    "the same, what a message costs the server": "lo mismo: lo que le cuesta un mensaje al servidor",
    "{returning:,} clients come back, each {backlog:,} durable events behind": (
        "Vuelven {returning:,} clientes, cada uno {backlog:,} eventos duraderos atrás"
    ),
    "the same after the server was restarted": "lo mismo tras reiniciar el servidor",
    "WebSockets opened": "WebSockets abiertos",
    "Memory of each of {connections:,} WebSockets": "Memoria de cada uno de {connections:,} WebSockets",
    "{crowd:,} WebSockets at once: opened": "{crowd:,} WebSockets a la vez: abiertos",
    "the same, publish to delivery at {crowd_rate:g}/s, p99": (
        "lo mismo: de publicar a entregar a {crowd_rate:g}/s, p99"
    ),
    "the same, memory of each": "lo mismo: memoria de cada uno",
    "the same, while nothing comes, all together": "lo mismo: mientras no llega nada, todos juntos",
    "{crowd:,} WebSockets, a restart: until the server listens": (
        "{crowd:,} WebSockets, un reinicio: hasta que el servidor escucha"
    ),
    "the same, until the last client is back": "lo mismo: hasta que ha vuelto el último cliente",
    "the same, p50 as a multiple of bare uvloop's in the same run": (
        "lo mismo: p50 como múltiplo del de uvloop mínimo en la misma tanda"
    ),
    "{senders} WebSockets, each sends the next message when the last has come back": (
        "{senders} WebSockets, cada uno envía el siguiente mensaje cuando el anterior ha vuelto"
    ),
    "the same, what each costs the server": "lo mismo: lo que le cuesta cada uno al servidor",
    "the same, deliveries out of the order in which they are stored": (
        "lo mismo: entregas fuera del orden en que se guardan"
    ),
    "{crowd:,} event streams at once: memory of each": "{crowd:,} flujos de eventos a la vez: memoria de cada uno",
    "Publish one message a request, {askers} connections, nobody listens": (
        "Publicar un mensaje por petición, {askers} conexiones, nadie escucha"
    ),
    "A small GET, {askers} connections": "Un GET pequeño, {askers} conexiones",
    "Start, until it listens, with a new database where there is one": (
        "Arranque, hasta que escucha, con una base de datos nueva donde la hay"
    ),
    "Start, with {stored:,} events stored": "Arranque, con {stored:,} eventos guardados",
    "Memory at rest, after a start with a new database": "Memoria en reposo, tras arrancar con una base de datos nueva",
    "Memory at rest, with {stored:,} events stored": "Memoria en reposo, con {stored:,} eventos guardados",
    "each": "cada",
    "now": "ahora",
    "an event": "evento",
    "a delivery": "entrega",
    "a connection": "conexión",
    "a request": "petición",
    "a message": "mensaje",
    "read and check a message of a request": "leer y comprobar un mensaje de una petición",
    "make the event": "hacer el evento",
    "encode the event as JSON": "codificar el evento como JSON",
    "make its WebSocket frame": "hacer su trama de WebSocket",
    "make its server-sent event": "hacer su evento SSE",
    "join 100 frames, each": "unir 100 tramas, cada una",
    "publish the event on the bus": "publicar el evento en el bus",
    "hand the event out, with nobody waiting": "repartir el evento, sin que nadie espere",
    "hand the event to a subscription that waits": "dar el evento a una suscripción que espera",
    "write a frame": "escribir una trama",
    "write 100 joined frames, each": "escribir 100 tramas unidas, cada una",
    "En Vivo delivers, one message per loop turn": "En Vivo entrega, un mensaje por vuelta del bucle",
    "Hypercorn with an ASGI function opens a WebSocket and welcomes it": (
        "Hypercorn con una función ASGI abre un WebSocket y le da la bienvenida"
    ),
    "Hypercorn with an ASGI function keeps a WebSocket": "Hypercorn con una función ASGI mantiene un WebSocket",
    "Quart with a route opens a WebSocket and welcomes it": (
        "Quart con una ruta abre un WebSocket y le da la bienvenida"
    ),
    "Quart with a route keeps a WebSocket": "Quart con una ruta mantiene un WebSocket",
    "En Vivo opens a WebSocket and welcomes it": "En Vivo abre un WebSocket y le da la bienvenida",
    "En Vivo keeps a WebSocket": "En Vivo mantiene un WebSocket",
    "Hypercorn with an ASGI function answers a request that publishes a message": (
        "Hypercorn con una función ASGI responde a una petición que publica un mensaje"
    ),
    "Quart with a route answers a request that publishes a message": (
        "Quart con una ruta responde a una petición que publica un mensaje"
    ),
    "En Vivo answers a request that publishes a message": "En Vivo responde a una petición que publica un mensaje",
    "En Vivo answers a request that publishes 100 messages": "En Vivo responde a una petición que publica 100 mensajes",
    "En Vivo answers a small GET": "En Vivo responde a un GET pequeño",
    "En Vivo takes a message of a WebSocket, and gives it back": (
        "En Vivo toma un mensaje de un WebSocket y lo devuelve"
    ),
    "En Vivo takes a message of a WebSocket, 20 in one write, and gives it back": (
        "En Vivo toma un mensaje de un WebSocket, 20 en una escritura, y lo devuelve"
    ),
}
_NAMES_IN_CELLS: Final = ("FastAPI's own streams", "NATS, always synced")


def in_spanish(load: Load, table: str) -> str:
    """Return the rows of a `table` of the benchmark in Spanish: its words, and how numbers are written."""
    titles = {measure.title for measure in MEASURES}
    words = {**SPANISH, **{title.format(**asdict(load)): SPANISH[title].format(**asdict(load)) for title in titles}}
    rows = [[words.get(cell.strip(), cell.strip()) for cell in row.strip("|").split("|")] for row in _rows(table)]
    return "\n".join("| " + " | ".join(map(_written, row)) + " |" for row in rows)


def _written(cell: str) -> str:
    for name in _NAMES_IN_CELLS:
        cell = cell.replace(name, SPANISH[name])
    return re.sub(r"(?<=\d)[,.](?=\d)", lambda sign: "." if sign[0] == "," else ",", cell)


def write_tables(pages: Path, load: Load, tables: Sequence[str]) -> None:
    """Put the `tables` into `pages`/en/21-measure.md, and in Spanish into `pages`/es/21-measure.md."""
    for language in ("en", "es"):
        path = pages / language / "21-measure.md"
        page = path.read_text("utf-8")
        for old, new in zip(_TABLE.findall(page), tables, strict=True):
            page = page.replace(old, in_spanish(load, new) if language == "es" else "\n".join(_rows(new)))
        path.write_text(page, "utf-8")


def write_costs(pages: Path, load: Load, table: str) -> None:
    """Put the `table` of costs into the same pages."""
    for language in ("en", "es"):
        path = pages / language / "21-measure.md"
        page = path.read_text("utf-8")
        [old] = _COSTS.findall(page)
        path.write_text(page.replace(old, in_spanish(load, table) if language == "es" else table), "utf-8")


def _rows(table: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith("|")]
