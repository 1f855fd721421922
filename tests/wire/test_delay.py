"""How long a server asks its clients to stay away."""

import pytest

from quart_app.wire import LONGEST_RETRY_AFTER, bounded_delay, retry_after

# 6 Nov 1994 08:49:37 GMT, in all the forms that RFC 9110 section 5.6.7 has for it.
AT = 784111777.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0), ("2", 2.0), (" 120 ", 120.0), ("3600", 3600.0), ("99999999999", LONGEST_RETRY_AFTER),
        ("9" * 400, LONGEST_RETRY_AFTER),
        ("Sun, 06 Nov 1994 08:49:40 GMT", 3.0),
        ("Sun, 06 Nov 1994 08:49:30 GMT", 0.0),
        ("Mon, 06 Nov 2094 08:49:37 GMT", LONGEST_RETRY_AFTER),
        (None, None), ("", None), ("soon", None), ("-1", None), ("1.5", None), ("1e3", None), ("١", None), ("+1", None),
        ("nan", None), ("inf", None), ("Sun, 99 Nov 1994 08:49:40 GMT", None),
    ],
)  # fmt: skip
def test_a_header(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, AT) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0.0), (1500, 1.5), (2.5, 0.0025), ("1500", 1.5), (10**9, LONGEST_RETRY_AFTER), (10**400, None),
        (-1, None), (float("nan"), None), (float("inf"), LONGEST_RETRY_AFTER), (True, None), (None, None), ([], None),
    ],
)  # fmt: skip
def test_the_milliseconds_of_a_message(value: object, seconds: float | None) -> None:
    assert bounded_delay(value, unit=0.001) == seconds
