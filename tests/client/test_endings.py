"""What close codes and answers mean."""

import pytest

from quart_app.client.endings import EndingKind, ending_of_answer, ending_of_close
from quart_app.client.messages import ServerError, server_error

OURS = ServerError("why", "because")


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4404])
def test_these_close_codes_mean_stop(code: int) -> None:
    ending = ending_of_close(code, "no such room")
    assert (ending.kind, ending.code, ending.seen) == (EndingKind.STOP, code, "no such room")


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1008, 1009, 1011, 1012, 1013, 4408, 4429, 4999])
def test_an_orderly_close_means_come_back(code: int) -> None:
    assert ending_of_close(code, "").kind is EndingKind.LATER


@pytest.mark.parametrize("code", [1002, 1006, 1015])
def test_what_broke_on_the_way_is_a_failure(code: int) -> None:
    assert ending_of_close(code, "").kind is EndingKind.FAILED


@pytest.mark.parametrize(("status", "code"), [(400, 4400), (401, 4401), (403, 4403), (404, 4404)])
def test_our_server_s_refusals_mean_stop_with_the_websocket_s_code(status: int, code: int) -> None:
    ending = ending_of_answer(status, OURS, None)
    assert (ending.kind, ending.code, ending.seen) == (EndingKind.STOP, code, "because")


@pytest.mark.parametrize("status", [429, 503])
def test_our_server_s_busy_says_when_to_come_back(status: int) -> None:
    ending = ending_of_answer(status, OURS, 7.0)
    assert (ending.kind, ending.retry_after) == (EndingKind.LATER, 7.0)


@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 404, 407, 429, 500, 502, 503, 504, 511])
def test_whatever_somebody_else_answers_is_a_reason_to_try_another_rung(status: int) -> None:
    ending = ending_of_answer(status, None, 7.0)
    assert (ending.kind, ending.code, ending.retry_after) == (EndingKind.FAILED, None, 7.0)
    assert str(status) in ending.seen


def test_our_server_is_known_by_the_shape_of_its_errors() -> None:
    ours = b'{"success":false,"error":{"code":"unauthorized","message":"who are you?"}}'
    assert server_error(ours) == ServerError("unauthorized", "who are you?")
    for body in (
        None, b"", b"<html>login</html>", b"[]", b"null", b'{"error":"forbidden"}', b'{"error":{"code":"x"}}',
        b'{"success":true,"error":{"code":"x"}}', b'{"success":false,"error":{}}', b'{"success":false}', b"\xff",
    ):  # fmt: skip
        assert server_error(body) is None
