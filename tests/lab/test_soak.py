"""The random scenarios: no rule is broken, each seed gives one run, and what is found is told in the shortest way."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from quart_app.cli import main
from quart_app.lab.soak import hunt, plan_of, play, shrunk
from quart_app.lab.soak.account import Account, Breach
from quart_app.lab.soak.guests import Guests

SEEDS = range(60)  # `make test` plays 500
FINGERPRINTS = """
import json
from quart_app.lab.soak import plan_of, play
print(json.dumps([play(plan_of(seed)).fingerprint for seed in range(6)]))
"""


def test_no_rule_is_broken() -> None:
    broken = [finding for finding in hunt(SEEDS[:20], jobs=1) if finding.outcome.rule]
    assert broken == []


def test_a_seed_gives_the_same_run_in_every_process() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINTS], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, check=True
        ).stdout
        for hash_seed in ("0", "77")
    }
    assert len(runs) == 1
    fingerprints = json.loads(runs.pop())
    assert len(set(fingerprints)) == len(fingerprints)


def test_a_shorter_plan_has_the_same_roads() -> None:
    plan = plan_of(3)
    [last] = plan.acts[-1:]
    shorter = plan.without([last])
    assert (len(shorter.acts), shorter.seed, shorter.guests) == (len(plan.acts) - 1, plan.seed, plan.guests)
    assert play(shorter).rule is None


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody who comes back be told what was said meanwhile."""
    take = Account.take

    def strict(self: Account, message: dict[str, object]) -> None:
        take(self, message)
        if message["type"] == "fact" and str(message["data"]).startswith("c1-"):
            raise Breach("complete", f"{self.name} got {message['data']}")

    monkeypatch.setattr(Account, "take", strict)


def test_what_breaks_a_rule_is_made_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful(monkeypatch)
    plan = next(plan for plan in map(plan_of, SEEDS) if play(plan).rule == "complete")
    short = shrunk(plan, "complete")
    assert play(short).rule == "complete"
    assert [act.do for act in short.acts] == ["say"]
    assert len(short.guests) <= 2
    assert f"say {short.guests[0].name}" in str(short) or "say c1" in str(short)


def test_a_failure_of_the_program_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Guests, *_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Guests, "say", fail)
    outcome = next(outcome for plan in map(plan_of, SEEDS) if (outcome := play(plan)).rule)
    assert (outcome.rule, "a bug" in str(outcome.breach)) == ("no_errors", True)


class TestCommand:
    def test_all_is_well(self) -> None:
        result = CliRunner().invoke(main, ["lab", "soak", "--seeds", "4", "--jobs", "1"])
        assert result.exit_code == 0
        assert "4 scenarios, " in result.output
        assert "no rule is broken" in result.output

    def test_one_seed(self) -> None:
        result = CliRunner().invoke(main, ["lab", "soak", "--seed", "2"])
        assert result.exit_code == 0
        assert "seed 2, nodes" in result.output
        assert play(plan_of(2)).fingerprint in result.output

    def test_a_finding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        forgetful(monkeypatch)
        seed = next(seed for seed in SEEDS if play(plan_of(seed)).rule)
        result = CliRunner().invoke(main, ["lab", "soak", "--first", str(seed), "--seeds", "1", "--jobs", "1"])
        assert result.exit_code == 1
        assert f"envivo lab soak --seed {seed}" in result.output
        result = CliRunner().invoke(main, ["lab", "soak", "--seed", str(seed)])
        assert result.exit_code == 1
        assert "complete: c" in result.output


def test_processes_share_the_seeds() -> None:
    found = {finding.seed: finding.outcome for finding in hunt(range(6), jobs=2)}
    assert found == {seed: play(plan_of(seed)) for seed in range(6)}
