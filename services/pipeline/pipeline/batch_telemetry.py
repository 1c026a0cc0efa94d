"""What is told of a batch of ingest: the trace of its stages, down to the partitions on the executors, and its failure.

driver: root span --> stage spans -- traceparent in the task --> partition spans, sent by the executors
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.error_events import Breadcrumb, Place
from pipeline.spark import Work
from pipeline.telemetry import Telemetry
from pipeline.tracing import Attributes, Tracing, span_id_of, start_tracing, trace_id_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span


class Stage(Protocol):
    """A part of a batch."""

    def set(self, **facts: str | float | bool) -> None: ...

    def on_executors(self, name: str, work: Work) -> Work:
        """`work`, with a span called `name` for every partition it is done for."""
        ...


class UnseenStage:
    def set(self, **facts: str | float | bool) -> None:
        pass

    def on_executors(self, _name: str, work: Work) -> Work:
        return work


class TracedStage:
    def __init__(self, tracing: Tracing, span: Span) -> None:
        self._tracing = tracing
        self._span = span

    def set(self, **facts: str | float | bool) -> None:
        self._span.set_attributes({f"ingest.{key}": value for key, value in facts.items()})

    def on_executors(self, name: str, work: Work) -> Work:
        return TracedPartition(name, self._tracing.carrier(self._span), work)


class BatchTelemetry:
    """
    What is told of one batch: a root span with a span for each stage below it, and what happened on the way, in case it
    fails. Does nothing where the environment asks for nothing.
    """

    def __init__(self, telemetry: Telemetry, name: str, attributes: Attributes) -> None:
        self._tracing = telemetry.tracing
        self._events = telemetry.events
        root = self._tracing.begin(name, None, attributes) if self._tracing else None
        self._root = root if root is not None and root.is_recording() else None
        self._breadcrumbs: list[Breadcrumb] = []
        self._stage = name
        self._ended = False

    @property
    def trace_id(self) -> str | None:
        return trace_id_of(self._root) if self._root else None

    def note(self, message: str, **data: str | float) -> None:
        """Something that helps to understand a failure later on."""
        if self._events is not None:
            self._breadcrumbs.append(Breadcrumb(time.time(), "ingest", message, data))

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        self._stage = name
        began = time.monotonic()
        span = self._tracing.begin(name, self._root) if self._tracing and self._root else None
        try:
            yield TracedStage(self._tracing, span) if self._tracing and span else UnseenStage()
        except BaseException as error:
            if span is not None and self._tracing is not None:
                span.record_exception(error)
                self._tracing.fail(span, reason_of(error))
            raise
        else:
            self.note(name, seconds=round(time.monotonic() - began, 3))
        finally:
            if span is not None:
                span.end()

    def failed(self, error: BaseException) -> None:
        """The batch ends here, with an event. What fails after that, on the way out, is not told as another failure."""
        if self._ended:
            return
        self.end(error)
        if self._events is not None:
            span_id = span_id_of(self._root) if self._root else None
            place = Place(f"ingest: {self._stage}", self.trace_id, span_id, self._root is not None)
            self._events.report(error, place, self._breadcrumbs)

    def end(self, error: BaseException | None = None, **facts: str | float | bool) -> None:
        self._ended = True
        if self._tracing is None or self._root is None:
            return
        self._root.set_attributes({f"ingest.{key}": value for key, value in facts.items()})
        if error is not None:
            self._tracing.fail(self._root, reason_of(error))
        self._root.end()


def reason_of(error: BaseException) -> str:
    return str(error) or type(error).__name__


@dataclass(frozen=True, slots=True)
class TracedPartition:
    """Work that an executor does for one partition, with a span of the batch's trace around it."""

    name: str
    carrier: dict[str, str]
    work: Work

    def __call__(self, rows: Iterable[Any]) -> Iterator[Any]:
        tracing = executor_tracing()
        span = tracing.begin_remote(self.name, self.carrier, _partition_facts(), "internal") if tracing else None
        if tracing is None or span is None:
            yield from self.work(rows)
            return
        made = 0
        try:
            for row in self.work(rows):
                made += 1
                yield row
        except Exception as error:
            span.record_exception(error)
            tracing.fail(span, reason_of(error))
            raise
        finally:
            span.set_attribute("spark.rows", made)
            span.end()


@lru_cache(maxsize=1)
def executor_tracing() -> Tracing | None:
    """Of this worker process, which Spark uses again for one partition after the other."""
    return start_tracing(os.environ, service="ingest", at_once=True)


def _partition_facts() -> dict[str, int]:
    from pyspark import TaskContext  # noqa: PLC0415

    task = TaskContext.get()
    if task is None:
        return {}
    return {
        "spark.stage": task.stageId(),
        "spark.partition": task.partitionId(),
        "spark.attempt": task.attemptNumber(),
    }
