"""Telemetry: the readings of reservoirs, live on the topic `sensors`, and the alerts they raise, on `alerts`."""

from quart_app.domains import Program
from quart_app.domains.telemetry.alerts import Alerts
from quart_app.domains.telemetry.channel import AlertChannel, SensorChannel
from quart_app.domains.telemetry.events import ALERTS, SENSORS, TOPICS
from quart_app.domains.telemetry.examples import Examples
from quart_app.domains.telemetry.pages import pages
from quart_app.domains.telemetry.service import Telemetry
from quart_app.domains.telemetry.views import routes
from quart_app.realtime import Feed

MODELS = "quart_app.domains.telemetry.models"


def contribute(program: Program) -> None:
    """Add the telemetry to `program`: its topics and feed, its REST, its pages and its examples."""
    alerts = Alerts(program)
    telemetry = Telemetry(program.hub, program, alerts)
    program.hub.channels.add(SENSORS, SensorChannel())
    program.hub.channels.add(ALERTS, AlertChannel(alerts))
    if every := program.settings.sensor_interval:
        program.hub.feeds.add(Feed(SENSORS, every, telemetry.simulate))
    program.describe(*TOPICS)
    program.add_examples(Examples(telemetry))
    program.at_start(telemetry.show_latest)
    program.add_routes(routes(program, telemetry, alerts))
    program.add_routes(pages(program, telemetry, alerts))
    program.add_to_menu("/telemetry", "nav.telemetry")
