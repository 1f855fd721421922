"""Every ending has a code, and the code says whether to come back."""

import pytest

from quart_app.wire import Close, Meaning, meaning_of_close, meaning_of_status


def test_four_codes_tell_a_client_to_stop() -> None:
    assert {int(code) for code in Close if meaning_of_close(code) is Meaning.STOP} == {4400, 4401, 4403, 4404}
    assert {code for code in range(1000, 5000) if meaning_of_close(code) is Meaning.STOP} == {4400, 4401, 4403, 4404}


def test_the_codes_of_the_contract() -> None:
    assert {int(code) for code in Close} == {1000, 1001, 1006, 1008, 1009, 1011, 4400, 4401, 4403, 4404, 4408, 4429}


def test_what_the_server_says_on_purpose_blames_no_transport() -> None:
    assert {int(code) for code in Close if meaning_of_close(code) is Meaning.FAILED} == {1006}
    for code in (1005, 1012, 1013, 3000, 4000, 4999):
        assert meaning_of_close(code) is Meaning.LATER


def test_what_the_way_breaks_does() -> None:
    for code in (1002, 1003, 1006, 1007, 1010, 1014, 1015, 2999, 5000, 0, -1):
        assert meaning_of_close(code) is Meaning.FAILED


def test_http_statuses_have_their_counterparts() -> None:
    codes = {status: int(Close.for_status(status)) for status in (400, 401, 403, 404, 413, 429, 503, 500, 418)}
    assert codes == {400: 4400, 401: 4401, 403: 4403, 404: 4404, 413: 1009, 429: 4429, 503: 1001, 500: 1011, 418: 1011}


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 407, 408, 429, 500, 502, 503, 504, 511])
def test_a_status_of_somebody_else_says_nothing_of_the_server(status: int) -> None:
    assert meaning_of_status(status, ours=False) is Meaning.FAILED


def test_a_status_of_the_server_says_what_its_close_code_says() -> None:
    told = {status: meaning_of_status(status, ours=True).value for status in (400, 401, 403, 404, 408, 429, 503, 500)}
    stop, later = dict.fromkeys((400, 401, 403, 404), "stop"), dict.fromkeys((408, 429, 503), "later")
    assert told == stop | later | {500: "failed"}
