"""What is told of reservoirs, and the topics that tell it.

This file knows neither tables nor requests.
"""

from typing import Final, Literal

from quart_app.domains.telemetry.shapes import AlertChange, AlertId, Counts, SensorState
from quart_app.realtime import Event, Kind, MessageShape, TopicShape, fields_json

SENSORS: Final = "sensors"
ALERTS: Final = "alerts"

TOPICS: Final = (
    TopicShape(
        SENSORS,
        "The newest reading of each reservoir; a newcomer gets them at once.",
        Kind.STATE,
        sends=(MessageShape("sensor_update", "A reservoir has been measured, at the time `timestamp`.", SensorState),),
    ),
    TopicShape(
        ALERTS,
        "Alerts as they are raised, change, and close, with the counts of the open ones.",
        Kind.DURABLE,
        sends=(
            MessageShape("initial", "The welcome.", Counts, welcome=True),
            MessageShape("update", "An alert has appeared, or its severity has changed.", AlertChange),
            MessageShape(
                "dismissed",
                "An alert has closed: by itself, or because somebody dismissed it.",
                AlertChange,
                {"alert_id": AlertId},
            ),
            MessageShape("refresh", "The answer to `refresh`.", Counts),
        ),
        receives=(MessageShape("refresh", "What are the counts?", fields={"action": Literal["refresh"]}),),
    ),
)


def sensor_update(state: SensorState, at: int) -> Event:
    """Return the event of a reservoir's new state.

    The message's `timestamp` is the time `at` of the reading (ms since the Unix epoch).
    """
    return Event(SENSORS, "sensor_update", fields_json({"data": state}), at, key=state.reservoir_id)
