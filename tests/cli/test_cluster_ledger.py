"""The verdict of `envivo cluster`: what is missing, twice and out of order is seen; what is settled is forgotten."""

import pytest

from quart_app.cluster.ledger import Ledger

READERS = ("ws", "sse")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(READERS, 0.0)


def seen_by_all(ledger: Ledger, writer: int, number: int, position: int) -> None:
    for name in READERS:
        ledger.see(name, writer, number, position, 1.0)


def wrongs(ledger: Ledger, name: str) -> dict[str, int]:
    told = ledger.told(1.0)["readers"][name]
    return {wrong: told[wrong] for wrong in ("missing", "twice", "disordered") if told[wrong]}


def test_what_all_have_seen_is_settled_and_forgotten(ledger: Ledger) -> None:
    for number in range(1, 1001):
        seen_by_all(ledger, number % 3, (number + 2) // 3, number)
        ledger.acknowledge(number % 3, (number + 2) // 3, number, 1.0)
    assert (ledger.wrong, ledger.unsettled, ledger.acknowledged) == (0, 0, 1000)


def test_what_is_acknowledged_and_not_seen_is_awaited(ledger: Ledger) -> None:
    ledger.acknowledge(1, 1, 10, 1.0)
    ledger.see("ws", 1, 1, 10, 1.0)
    assert [ledger.told(1.0)["readers"][name]["awaited"] for name in READERS] == [0, 1]
    assert (ledger.wrong, ledger.unsettled) == (0, 1)


def test_a_number_that_is_left_out_is_missing_and_nothing_waits_for_it_for_ever(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        ledger.see("ws", 1, number, number, 1.0)
        ledger.acknowledge(1, number, number, 1.0)
    for number in (1, 3):
        ledger.see("sse", 1, number, number, 1.0)
    assert (wrongs(ledger, "ws"), wrongs(ledger, "sse")) == ({}, {"missing": 1})
    assert ledger.unsettled == 0


def test_what_comes_late_is_out_of_order_and_not_missing(ledger: Ledger) -> None:
    for number in (1, 3, 2):
        ledger.see("ws", 1, number, number, 1.0)
    assert wrongs(ledger, "ws") == {"disordered": 1}


def test_what_comes_again_is_there_twice(ledger: Ledger) -> None:
    for number in (1, 2, 2, 1):
        ledger.see("ws", 1, number, number, 1.0)
    assert wrongs(ledger, "ws") == {"twice": 2}


def test_the_order_of_the_log_is_that_of_all_writers(ledger: Ledger) -> None:
    ledger.see("ws", 1, 1, 20, 1.0)
    ledger.see("ws", 2, 1, 19, 1.0)
    assert wrongs(ledger, "ws") == {"disordered": 1}


def test_a_message_is_at_one_position_for_all(ledger: Ledger) -> None:
    ledger.see("ws", 1, 1, 20, 1.0)
    ledger.see("sse", 1, 1, 21, 1.0)
    assert (wrongs(ledger, "ws"), wrongs(ledger, "sse")) == ({}, {"disordered": 1})


def test_the_longest_pause_is_known_while_it_lasts(ledger: Ledger) -> None:
    ledger.see("ws", 1, 1, 1, 3.0)
    ledger.see("ws", 1, 2, 2, 4.0)
    assert ledger.told(4.5)["readers"]["ws"]["pause"] == {"longest": 3.0, "present": 0.5}
    assert ledger.told(9.0)["readers"]["ws"]["pause"] == {"longest": 5.0, "present": 5.0}
