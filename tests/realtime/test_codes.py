"""Every ending has a code, and the code says whether to come back."""

from quart_app.realtime.codes import Close


def test_four_codes_tell_a_client_to_stop() -> None:
    assert {int(code) for code in Close if code.final} == {4400, 4401, 4403, 4404}


def test_the_codes_of_the_contract() -> None:
    assert {int(code) for code in Close} == {1000, 1001, 1006, 1008, 1009, 1011, 4400, 4401, 4403, 4404, 4408, 4429}


def test_http_statuses_have_their_counterparts() -> None:
    codes = {status: int(Close.for_status(status)) for status in (400, 401, 403, 404, 413, 429, 503, 500, 418)}
    assert codes == {400: 4400, 401: 4401, 403: 4403, 404: 4404, 413: 1009, 429: 4429, 503: 1001, 500: 1011, 418: 1011}
