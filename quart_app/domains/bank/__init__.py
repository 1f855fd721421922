"""The bank: accounts, exact money, movements, and every balance live."""

from quart_app.domains import Program
from quart_app.domains.bank import events
from quart_app.domains.bank.access import may_visit
from quart_app.domains.bank.channel import AccountChannel, BalancesChannel, StatsChannel
from quart_app.domains.bank.counters import LiveCounters
from quart_app.domains.bank.examples import open_examples
from quart_app.domains.bank.pages import pages
from quart_app.domains.bank.service import Bank
from quart_app.domains.bank.views import routes
from quart_app.realtime import Feed

MODELS = "quart_app.domains.bank.models"


def contribute(program: Program) -> None:
    """Add the bank to `program`: its topics and counters, its REST, its pages and its examples."""
    hub, interval = program.hub, program.settings.stats_interval
    counters = LiveCounters(hub, interval)
    bank = Bank(program, counters)
    hub.channels.add("accounts/*", AccountChannel(bank, counters))
    hub.channels.add(events.BALANCES, BalancesChannel())
    hub.channels.add(events.STATS, StatsChannel())
    hub.feeds.add(Feed(events.STATS, interval, counters.tell))
    program.serve_socketio(events.BALANCES, events.STATS)
    program.describe(*events.TOPICS)
    program.add_examples(open_examples)
    program.add_routes(routes(program, bank, counters))
    program.add_routes(pages(program, bank, counters))
    program.add_to_menu("/bank", "nav.bank")
    program.show_links_to("/bank", may_visit)
