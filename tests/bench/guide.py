"""The tables of the guide's page "measure", in both languages: a full run writes them anew."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from quart_app.cli.bench.load import Load
from tests.bench.rows import MEASURES

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
    "the same, deliveries after one that was stored later": (
        "lo mismo: entregas que llegan después de una guardada más tarde"
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
    "Memory at rest": "Memoria en reposo",
}


def in_spanish(load: Load, table: str) -> str:
    """Return the rows of a `table` of the benchmark in Spanish: its words, and how numbers are written."""
    titles = {measure.title for measure in MEASURES}
    words = {**SPANISH, **{title.format(**asdict(load)): SPANISH[title].format(**asdict(load)) for title in titles}}
    rows = [[words.get(cell.strip(), cell.strip()) for cell in row.strip("|").split("|")] for row in _rows(table)]
    return "\n".join("| " + " | ".join(map(_written, row)) + " |" for row in rows)


def _written(cell: str) -> str:
    return re.sub(r"(?<=\d)[,.](?=\d)", lambda sign: "." if sign[0] == "," else ",", cell)


def write_tables(pages: Path, load: Load, tables: Sequence[str]) -> None:
    """Put the `tables` into `pages`/en/21-measure.md, and in Spanish into `pages`/es/21-measure.md."""
    for language in ("en", "es"):
        path = pages / language / "21-measure.md"
        page = path.read_text("utf-8")
        for old, new in zip(_TABLE.findall(page), tables, strict=True):
            page = page.replace(old, in_spanish(load, new) if language == "es" else "\n".join(_rows(new)))
        path.write_text(page, "utf-8")


def _rows(table: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith("|")]
