"""`envivo selftest`: it tells what works between here and a server, as a table or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from quart_app.cli.connection import Server, ca_option, run, the_server, token_option

if TYPE_CHECKING:
    from quart_app.cli.selftest.probe import LadderEvidence, RungEvidence

COLUMNS = ("rung", "opened", "first message", "rtt p50", "rtt p99", "delivery p50", "held back", "repeated", "")
RUNG_NAMES = {"ws": "WebSocket", "sse": "SSE", "poll": "long poll"}


@click.command()
@click.argument("url", default=the_server)
@token_option
@ca_option
@click.option("--json", "as_json", is_flag=True, help="Print the evidence as one JSON object.")
@click.pass_context
def selftest(context: click.Context, /, url: str, token: str | None, ca: str | None, *, as_json: bool) -> None:
    """Try every transport to the server at URL, a lost connection and forced downgrades.

    Without URL it is the server of ENVIVO_URL, else that of this machine.

    It tells for each transport how long it takes to open, until the first message and for a round trip, and whether
    something in between holds messages back; then whether any message is lost or repeated while the connection is cut
    and the client goes down the ladder. It publishes into fresh topics log/selftest-....

    The exit code is 0 when every transport works and nothing is held back, lost, repeated or out of order, else 1.
    """
    context.exit(run(_selftest(Server(url, None, "selftest", token, ca), as_json=as_json)))


async def _selftest(server: Server, *, as_json: bool) -> int:
    from quart_app.cli.selftest.probe import Prober
    from quart_app.client import TRANSPORTS, ClientError, Options

    try:
        prober = Prober(server.url, server.params, server.options(Options(backoff_base=0.2)), _progress)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        await prober.reach()
        rungs = [await prober.rung(transport) for transport in TRANSPORTS]
        ladder = await prober.ladder()
    except ClientError as error:
        click.echo(f"cannot test {server.url}: {error}", err=True)
        return 1
    finally:
        await prober.close()
    fine = ladder.fine and all(rung.fine for rung in rungs)
    click.echo(_as_json(server.url, rungs, ladder, fine=fine) if as_json else _as_table(rungs, ladder))
    return 0 if fine else 1


def _progress(line: str) -> None:
    click.echo(line, err=True)


def _as_json(url: str, rungs: list[RungEvidence], ladder: LadderEvidence, *, fine: bool) -> bytes:
    import msgspec

    evidence: dict[str, Any] = {"url": url, "ok": fine, "rungs": rungs, "ladder": ladder}
    return msgspec.json.encode(evidence)


def _as_table(rungs: list[RungEvidence], ladder: LadderEvidence) -> str:
    rows = [COLUMNS, *(_row(rung) for rung in rungs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", *_ladder_lines(ladder)])


def _row(rung: RungEvidence) -> tuple[str, ...]:
    held = "no" if rung.held == 0 else "everything" if rung.held < 0 else f"{rung.held} bytes"
    return (
        RUNG_NAMES[rung.transport],
        _milliseconds(rung.opened),
        _milliseconds(rung.first_message),
        _milliseconds(rung.rtt_p50),
        _milliseconds(rung.rtt_p99),
        _milliseconds(rung.delivery_p50),
        held if rung.opened is not None or rung.held else "–",
        str(rung.repeated),
        "ok" if rung.fine else rung.problem or "not well",
    )


def _ladder_lines(ladder: LadderEvidence) -> list[str]:
    way = " → ".join(RUNG_NAMES[transport] for transport in ladder.transports) or "never connected"
    away = ", ".join(_milliseconds(time) for time in ladder.away) or "–"
    verdict = "ok" if ladder.fine else ladder.problem or "not well"
    counts = f"{ladder.lost} lost, {ladder.repeated} repeated, {ladder.disordered} out of order"
    return [
        f"cut and pushed down: {way} (back after {away})",
        f"{ladder.published} messages meanwhile: {counts}: {verdict}",
    ]


def _milliseconds(time: float | None) -> str:
    return "–" if time is None else f"{time:.1f} ms"
