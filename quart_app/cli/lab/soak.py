"""`envivo lab soak`: random scenarios for the engine, on as many processors as there are."""

from __future__ import annotations

import os
import sys
import time

import click


@click.command()
@click.option("--seeds", type=click.IntRange(min=1), default=500, show_default=True, help="The number of scenarios.")
@click.option("--seed", type=click.IntRange(min=0), help="Play this one alone, and tell what happens in it.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True, help="The seed to begin with.")
@click.option("--jobs", type=click.IntRange(min=1), help="The number of processes.  [default: one per processor]")
def soak(seeds: int, seed: int | None, first: int, jobs: int | None) -> None:
    """Play random scenarios: nodes die, stop and stand still, roads are cut and dark, clients sleep, the backplane
    forgets; and look whether anything is lost, repeated, or out of order.

    A scenario that breaks a rule is made shorter, and told with the command that repeats it; then the exit code is 1.

    \b
    Examples:
      envivo lab soak --seeds 10000
      envivo lab soak --seed 536
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from quart_app.lab.soak import Finding, hunt

    if seed is not None:
        _play_one(seed)
        return
    began = time.monotonic()
    findings: list[Finding] = []
    messages = 0

    def broken(_: object) -> str:
        return f"{len(findings):,} broken"

    with click.progressbar(
        length=seeds, label="scenarios", show_pos=True, item_show_func=broken, file=sys.stderr
    ) as bar:
        for finding in hunt(range(first, first + seeds), jobs or os.cpu_count() or 1):
            messages += finding.outcome.messages
            if finding.outcome.rule is not None:
                findings.append(finding)
            bar.update(1, finding)
    took = time.monotonic() - began
    verdict = "no rule is broken" if not findings else f"a rule is broken in {len(findings):,} of them"
    click.echo(f"{seeds:,} scenarios, {messages:,} messages, {took:.0f} s: {verdict}")
    for finding in findings:
        click.echo(f"\n{finding.outcome.breach}\n  envivo lab soak --seed {finding.seed}")
    sys.exit(1 if findings else 0)


def _play_one(seed: int) -> None:
    from quart_app.lab.soak import plan_of, play, shrunk

    plan = plan_of(seed)
    outcome = play(plan)
    if outcome.rule is None:
        click.echo(f"{plan}\n\nno rule is broken; {outcome.messages:,} messages; fingerprint {outcome.fingerprint}")
        return
    click.echo("a rule is broken; looking for a shorter scenario that breaks it ...", err=True)
    short = shrunk(plan, outcome.rule)
    click.echo(f"{short}\n\n{play(short).breach}")
    sys.exit(1)
