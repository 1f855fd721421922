"""What close codes, statuses and delays mean."""

import pytest

from quart_app.client.endings import Kind, bounded_delay, from_close_code, from_status


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4404])
def test_these_close_codes_mean_stop(code: int) -> None:
    ending = from_close_code(code, "no such room")
    assert (ending.kind, ending.code, ending.seen) == (Kind.REFUSED, code, "no such room")


@pytest.mark.parametrize("code", [1001, 1008, 1009, 1011, 4408, 4429])
def test_these_close_codes_mean_come_back(code: int) -> None:
    assert from_close_code(code, "").kind is Kind.LATER


@pytest.mark.parametrize("code", [1000, 1006, 4999])
def test_every_other_close_code_means_come_back_too(code: int) -> None:
    assert from_close_code(code, "").kind is Kind.DIED


@pytest.mark.parametrize(("status", "code"), [(400, 4400), (401, 4401), (403, 4403), (404, 4404)])
def test_these_statuses_mean_stop_with_the_websocket_s_code(status: int, code: int) -> None:
    ending = from_status(status, {}, "why")
    assert (ending.kind, ending.code, ending.seen) == (Kind.REFUSED, code, "why")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_says_when_to_come_back(status: int) -> None:
    ending = from_status(status, {"retry-after": "7"}, "")
    assert (ending.kind, ending.retry_after) == (Kind.LATER, 7.0)


@pytest.mark.parametrize("status", [204, 301, 500, 502, 504])
def test_any_other_status_condemns_the_rung(status: int) -> None:
    assert from_status(status, {}, "").kind is Kind.BLOCKED


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [(1500, 0.001, 1.5), ("3", 1.0, 3.0), (0, 1.0, 0.0), (10**9, 1.0, 3600.0), (float("inf"), 1.0, 3600.0)],
)
def test_delays(value: object, unit: float, seconds: float) -> None:
    assert bounded_delay(value, unit) == seconds


@pytest.mark.parametrize("value", [None, "soon", -1, float("nan"), True, [5]])
def test_what_is_no_delay(value: object) -> None:
    assert bounded_delay(value, 1.0) is None
