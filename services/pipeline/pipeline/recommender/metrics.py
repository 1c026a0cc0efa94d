"""What Prometheus is told; names, labels and buckets come from instrumentation/signals.json."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from pipeline.recommender.connections import DatabaseUnavailable

BATCH_REFRESH_SECONDS = 5.0
BATCH_WAIT_SECONDS = 1.0
# Longer than a failover of the database, which need not make the batches unknown.
BATCH_OLD_SECONDS = 20.0

BatchesRow = dict[str, Any]
Family = TypeVar("Family", CounterMetricFamily, GaugeMetricFamily)

log = logging.getLogger("recommender")


def signals() -> dict:
    path = os.environ.get("SIGNALS_FILE") or Path(__file__).parents[4] / "instrumentation" / "signals.json"
    return json.loads(Path(path).read_text())


class Metrics:
    """The service's own metrics, in a registry of their own."""

    def __init__(self, definitions: dict) -> None:
        # When a series began is of no use here, and would be a third more series.
        disable_created_metrics()
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
        clock = metrics["processClock"]
        Gauge(clock["name"], clock["help"], registry=self.registry).set_function(time.time)

    def observe(self, method: str, route: str, status: int, seconds: float, trace_id: str | None = None) -> None:
        """:param trace_id: of the request, when its trace is kept: the way from a slow bucket to one of its requests"""
        exemplar = None if trace_id is None else {"trace_id": trace_id}
        self._duration.labels(method, route, str(status)).observe(seconds, exemplar)

    def count_database_error(self, reason: str) -> None:
        self._errors.labels(reason).inc()


class Batches(Collector):
    """
    The batches of ingest, as the database has them; nothing while it cannot be asked. A batch has no process left to
    ask when it has ended: its row is what remains.

    The database is asked in a thread, and no scrape waits for it longer than `BATCH_WAIT_SECONDS`: when no member
    answers, the service's other metrics matter most.
    """

    def __init__(self, definitions: dict, read: Callable[[], BatchesRow | None]) -> None:
        self._metrics = definitions["metrics"]
        self._read = read
        self._row: BatchesRow | None = None
        self._row_at = self._tried_at = float("-inf")
        self._reading: threading.Thread | None = None
        self._lock = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        """Known by name already: registering must not ask the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        row = self._newest()
        if row is None:
            return
        ended = self._family(CounterMetricFamily, "ingestBatches")
        for outcome in ("succeeded", "failed", "abandoned"):
            ended.add_metric([outcome], row[outcome])
        yield ended
        yield self._gauge("ingestBatchRunning", row["running_seconds"])
        if row["last_failed"] is not None:
            yield self._gauge("ingestLastBatchFailed", float(row["last_failed"]))
        if row["finished_at"] is None:
            return
        yield self._gauge("ingestBatchDuration", row["duration_seconds"])
        yield self._gauge("ingestLastSuccess", row["finished_at"])
        files = self._family(GaugeMetricFamily, "ingestFiles")
        files.add_metric(["ok"], row["files_ok"])
        files.add_metric(["damaged"], row["files_damaged"])
        yield files

    def _newest(self) -> BatchesRow | None:
        with self._lock:
            reading = self._reading
            if reading is None and time.monotonic() - self._tried_at >= BATCH_REFRESH_SECONDS:
                reading = self._reading = threading.Thread(target=self._refresh, name="batches", daemon=True)
                reading.start()
        if reading is not None:
            reading.join(BATCH_WAIT_SECONDS)
        # A value that is older would be a lie about now.
        return self._row if time.monotonic() - self._row_at < BATCH_OLD_SECONDS else None

    def _refresh(self) -> None:
        try:
            self._row = self._read()
            self._row_at = time.monotonic()
        except DatabaseUnavailable as error:
            log.warning("Cannot tell the batches of ingest: %s", error)
        finally:
            self._tried_at = time.monotonic()
            self._reading = None

    def _gauge(self, key: str, value: float) -> Metric:
        return GaugeMetricFamily(self._metrics[key]["name"], self._metrics[key]["help"], value=value)

    def _family(self, kind: type[Family], key: str) -> Family:
        return kind(self._metrics[key]["name"], self._metrics[key]["help"], labels=self._metrics[key]["labels"])
