from itertools import pairwise

import pytest

from quart_app.domains.telemetry.rules import MEASURES, moment
from quart_app.domains.telemetry.simulation import SIMULATED, simulated

HOUR = 3_600_000  # ms
START = 1_760_000_000_000  # ms since the Unix epoch


@pytest.mark.parametrize("reservoir_id", SIMULATED)
def test_simulated_values_are_plausible_all_year_round(reservoir_id: str) -> None:
    for at in range(START, START + 365 * 24 * HOUR, 7 * HOUR):
        for name, value in simulated(reservoir_id, at).items():
            allowed = MEASURES[name]
            wave = SIMULATED[reservoir_id][name]
            assert allowed.low <= value <= allowed.high
            most = wave.day + wave.weather + wave.ripple + abs(wave.surge)
            assert abs(value - wave.mean) <= most + 10**-allowed.decimals


@pytest.mark.parametrize("reservoir_id", SIMULATED)
def test_simulated_values_drift_instead_of_jumping(reservoir_id: str) -> None:
    at_ten_second_steps = [simulated(reservoir_id, START + step * 10_000) for step in range(2_000)]

    for name in MEASURES:
        values = [reading[name] for reading in at_ten_second_steps]
        steps = [abs(after - before) for before, after in pairwise(values)]
        assert max(steps) < SIMULATED[reservoir_id][name].mean / 20
        assert len(set(values)) > 20, "it stands still"


def test_the_simulation_is_a_function_of_time_and_differs_between_reservoirs() -> None:
    assert simulated("EMBALSE_01", START) == simulated("EMBALSE_01", START)
    assert len({str(simulated(reservoir_id, START)) for reservoir_id in SIMULATED}) == len(SIMULATED) == 3


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:01Z", 1_000),
        ("2025-01-31T12:00:00.250Z", 1_738_324_800_250),
        ("2025-01-31T13:00:00.250+01:00", 1_738_324_800_250),
        ("2025-01-31T12:00:00.250", 1_738_324_800_250),
        ("1738324800250", 1_738_324_800_250),
        ("0", 0),
    ],
)
def test_a_moment_is_iso_8601_or_milliseconds(text: str, at: int) -> None:
    assert moment(text) == at


@pytest.mark.parametrize("text", ["", "yesterday", "-5", "1" * 30, "1969-12-31T23:59:59Z", "2025-13-01", "１２"])
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|1970|month"):
        moment(text)
