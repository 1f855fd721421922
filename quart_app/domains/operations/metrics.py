"""`/metrics`: the engine's counters as Prometheus reads them, in its text format or as OpenMetrics.

This file owns the names of the metrics. They are read from the counters when somebody asks; nothing runs in between
but, for a minute and a half after each time, the measuring of the event loop's lag.
"""

import platform
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from quart_app import __version__
from quart_app.domains.operations.counts import Counts
from quart_app.realtime import Histogram
from quart_app.security_log import SecurityLog

Samples = Iterable[tuple[Sequence[str], float]]


class Metrics(Collector):
    """The metrics of one program, which is called `node`, in a registry of their own."""

    def __init__(self, counts: Counts, security: SecurityLog, node: str) -> None:
        self._counts = counts
        self._security = security
        self._node = node
        self._hub = counts.hub
        self._relay_lag = 0
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)  # where there is /proc

    async def text(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, in the format that the header `accept` asks for."""
        self._counts.lag.watch()
        self._relay_lag = await self._counts.relay_lag()
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; the registry calls it."""
        yield from self._connections()
        yield from self._messages()
        yield from self._storage()
        yield from self._nodes()
        yield from self._process()

    def _connections(self) -> Iterable[Metric]:
        counters = self._hub.counters
        open_now = [((name,), count) for name, count in self._counts.connections_by_transport().items()]
        yield _gauge("connections", "Connections open now", open_now, "transport")
        opened = [((name,), count) for name, count in counters.opened.items()]
        yield _counter("connections_opened", "Connections let in", opened, "transport")
        closed = [((name, str(code)), count) for (name, code), count in counters.closed.items()]
        yield _counter(
            "connections_closed",
            "Connections over, by close code; 1006: gone without a word",
            closed,
            "transport",
            "code",
        )
        yield _gauge("subscriptions_behind", "Subscriptions not at the head", [((), self._counts.behind())])

    def _messages(self) -> Iterable[Metric]:
        counters, traffic = self._hub.counters, self._counts.traffic()
        published = [((kind,), count) for kind, count in counters.published.items()]
        yield _counter("messages_published", "Events published", published, "kind")
        for name, told, field in (
            ("messages_delivered", "Messages handed to connections", "sent"),
            ("messages_received", "Messages from clients", "received"),
            ("sent_bytes", "Bytes handed to connections", "sent_bytes"),
        ):
            counts = [((transport,), getattr(one, field)) for transport, one in traffic.items()]
            yield _counter(name, told, counts, "transport")
        yield _histogram("delivery_seconds", "From an event's arrival on the bus to the transport", counters.delivery)
        yield _histogram("command_seconds", "Handling of a client's message", counters.commands)
        errors = [((code,), count) for code, count in counters.errors.items()]
        yield _counter("errors", "Errors told to clients, by the wire's code", errors, "code")
        quotas = [((code,), count) for code, count in counters.quotas.items()]
        yield _counter("quotas_met", "Times that a user has met a quota, by the wire's code", quotas, "code")
        refusals = list(self._security.refusals.items())
        yield _counter("refusals", "Refusals for want of a token, a right or a quota", refusals, "door", "code")
        yield _counter("resets", "Cursors that could not be honoured", [((), counters.resets)])
        yield _counter("gaps", "Gap messages", [((), counters.gaps)])
        yield _counter("signals_dropped", "Signals that gaps told of", [((), counters.dropped)])

    def _storage(self) -> Iterable[Metric]:
        counters, memory = self._hub.counters, self._hub.memory()
        yield _histogram("commit_seconds", "A transaction of the writer", counters.commits)
        yield _histogram("commit_units", "Units of work in a transaction", counters.groups)
        yield _gauge("log_position", "Position of the newest event on the bus", [((), self._hub.position)])
        yield _gauge("relay_lag_positions", "Positions between the log and the bus", [((), self._relay_lag)])
        yield _gauge("topics", "Topics in memory", [((), memory.topics)])
        yield _gauge("tail_events", "Events in the tails of topics", [((), memory.events)])
        yield _gauge("tail_bytes", "About the bytes of these", [((), memory.bytes)])

    def _nodes(self) -> Iterable[Metric]:
        backplane = self._hub.backplane
        if backplane.shared:
            up = int(backplane.away_since is None)
            yield _gauge("backplane_up", "Whether the backplane between the nodes is reached", [((), up)])
            yield _gauge("nodes", "Nodes that the backplane knew of last", [((), len(backplane.nodes))])

    def _process(self) -> Iterable[Metric]:
        yield _histogram("loop_lag_seconds", "By which timers go off too late", self._counts.lag.seconds)
        yield _gauge("uptime_seconds", "Since the start", [((), self._counts.uptime)])
        build = {"version": __version__, "python": platform.python_version(), "node": self._node}
        yield InfoMetricFamily("envivo_build", "What is running", value=build)


def _gauge(name: str, told: str, samples: Samples, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"envivo_{name}", told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _counter(name: str, told: str, samples: Samples, *labels: str) -> Metric:
    family = CounterMetricFamily(f"envivo_{name}", told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _histogram(name: str, told: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(f"envivo_{name}", told)
    buckets, sum_so_far = [], 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        sum_so_far += count
        buckets.append((bound, sum_so_far))
    family.add_metric([], buckets, histogram.total)
    return family
