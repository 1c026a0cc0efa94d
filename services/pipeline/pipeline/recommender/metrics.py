"""What Prometheus is told; names, labels and buckets come from instrumentation/signals.json."""

import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipeline.recommender.connections import DatabaseUnavailable

BATCH_REFRESH_SECONDS = 5.0

BatchRow = dict[str, float]


def signals() -> dict:
    path = os.environ.get("SIGNALS_FILE") or Path(__file__).parents[4] / "instrumentation" / "signals.json"
    return json.loads(Path(path).read_text())


class Metrics:
    """The service's own metrics, in a registry of their own."""

    def __init__(self, definitions: dict) -> None:
        self.registry = CollectorRegistry()
        metrics = definitions["metrics"]
        duration, errors = metrics["recommenderRequestDuration"], metrics["recommenderDatabaseErrors"]
        self._duration = Histogram(
            duration["name"],
            duration["help"],
            duration["labels"],
            buckets=definitions["latencyBucketsSeconds"],
            registry=self.registry,
        )
        self._errors = Counter(errors["name"], errors["help"], errors["labels"], registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._duration.labels(method, route, str(status)).observe(seconds)

    def count_database_error(self, reason: str) -> None:
        self._errors.labels(reason).inc()


class LastBatch(Collector):
    """The newest successful batch of ingest, as the database has it; nothing while the database cannot be asked."""

    def __init__(self, definitions: dict, read: Callable[[], BatchRow | None]) -> None:
        self._metrics = definitions["metrics"]
        self._read = read
        self._row: BatchRow | None = None
        self._read_at = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Known by name already: registering must not ask the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        if time.monotonic() - self._read_at >= BATCH_REFRESH_SECONDS:
            try:
                self._row = self._read()
            except DatabaseUnavailable:
                # Counted as a database error by the reader; an old value would be a lie about now.
                self._row = None
            self._read_at = time.monotonic()
        row = self._row
        if row is None:
            return
        yield self._gauge("ingestBatchDuration", row["duration_seconds"])
        yield self._gauge("ingestLastSuccess", row["finished_at"])
        files = self._metrics["ingestFiles"]
        family = GaugeMetricFamily(files["name"], files["help"], labels=files["labels"])
        family.add_metric(["ok"], row["files_ok"])
        family.add_metric(["damaged"], row["files_damaged"])
        yield family

    def _gauge(self, key: str, value: float) -> Metric:
        return GaugeMetricFamily(self._metrics[key]["name"], self._metrics[key]["help"], value=value)
