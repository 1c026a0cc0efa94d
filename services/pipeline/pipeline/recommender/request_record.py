"""
What one request did, for its trace and for the event of an error it met.

A request whose trace is not kept has no span, and one of a service that reports no errors keeps no breadcrumbs; one
with neither has no record at all, and costs the look at a context variable.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from pipeline.error_events import Breadcrumb
from pipeline.tracing import Attributes, TraceParent, Tracing, span_id_of, trace_id_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span
    from psycopg.abc import Query

    from pipeline.database import Connection, Cursor

T = TypeVar("T")
Learnt = dict[str, str | int | float | bool]
Step = tuple[float, str, str, Attributes, Learnt]
"""A breadcrumb in the making: nearly all are thrown away, so none is put together before it is asked for."""

KEPT_STEPS = 40
KEPT_HAPPENINGS = 20
# What happened to the database longer ago says nothing about a request that fails now.
HAPPENING_SECONDS = 60.0


class RequestRecord:
    """Of the thread that answers the request."""

    __slots__ = ("_parent", "_steps", "_tracing", "span")

    def __init__(
        self, tracing: Tracing | None, span: Span | None, parent: TraceParent | None, *, breadcrumbs: bool
    ) -> None:
        """
        :param span: of the request; None when its trace is not kept
        :param parent: what the client said of the trace
        :param breadcrumbs: whether an error of the request would be reported
        """
        self._tracing = tracing
        self.span = span
        self._parent = parent
        self._steps: deque[Step] | None = deque(maxlen=KEPT_STEPS) if breadcrumbs else None

    @property
    def kept_trace_id(self) -> str | None:
        return trace_id_of(self.span) if self.span is not None else None

    @property
    def trace_id(self) -> str | None:
        """Also when the trace is not kept."""
        return self.kept_trace_id or (self._parent.trace_id if self._parent else None)

    @property
    def span_id(self) -> str | None:
        if self.span is not None:
            return span_id_of(self.span)
        return self._parent.span_id if self._parent else None

    @property
    def breadcrumbs(self) -> tuple[Breadcrumb, ...]:
        return tuple(
            Breadcrumb(at, category, name, {**known, **learnt})
            for at, category, name, known, learnt in self._steps or ()
        )

    def note(self, category: str, message: str, data: Attributes) -> None:
        """Something that is no call of its own, such as a second try."""
        if self.span is not None:
            self.span.add_event(message, dict(data))
        if self._steps is not None:
            self._steps.append((time.time(), category, message, data, {}))

    def answered(self, status: int) -> None:
        if self.span is not None:
            self.span.set_attribute("http.response.status_code", status)
            if status >= 500 and self._tracing is not None:
                self._tracing.fail(self.span, f"status {status}")

    def end(self) -> None:
        if self.span is not None:
            self.span.end()

    def timed(self, category: str, name: str, attributes: Attributes, work: Callable[[Learnt], T]) -> T:
        """
        Runs `work` in a span.

        :param work: is given a dictionary for what it learns on the way
        """
        span = self._tracing.begin(name, self.span, attributes, "client") if self._tracing and self.span else None
        learnt: Learnt = {}
        began = time.perf_counter()
        try:
            return work(learnt)
        except Exception as error:
            learnt["error"] = type(error).__name__
            if span is not None and self._tracing is not None:
                self._tracing.fail(span, type(error).__name__)
            raise
        finally:
            if span is not None:
                span.set_attributes(learnt)
                span.end()
            if self._steps is not None:
                learnt["ms"] = round((time.perf_counter() - began) * 1000, 1)
                self._steps.append((time.time(), category, name, attributes, learnt))


CURRENT: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)
"""The record of the request that this thread answers."""


class StatementsOf:
    """Sees the statements that a request sends to one member."""

    __slots__ = ("_host", "_names", "_record")

    def __init__(self, record: RequestRecord, host: str, names: Mapping[str, str]) -> None:
        """:param names: what statements are called, by their text"""
        self._record = record
        self._host = host
        self._names = names

    def run(self, connection: Connection, query: Query, execute: Callable[[], Cursor]) -> Cursor:
        def work(learnt: Learnt) -> Cursor:
            cursor = execute()
            learnt["db.response.returned_rows"] = cursor.rowcount
            return cursor

        text = query if isinstance(query, str) else "other"
        name = self._names.get(text, "other")
        facts: Learnt = {"server.address": self._host, "db.role": role_of(connection)}
        if self._record.span is not None:
            facts |= {"db.system.name": "postgresql", "db.query.summary": name, "db.query.text": " ".join(text.split())}
        return self._record.timed("query", f"SQL {name}", facts, work)


def role_of(connection: Connection) -> str:
    """Of the member at the other end, as it told last; that needs no round trip."""
    if connection.closed:
        return "unknown"
    status = connection.pgconn.parameter_status(b"in_hot_standby")
    return {b"on": "replica", b"off": "primary"}.get(status or b"", "unknown")


class Happenings:
    """What befell the database lately, as this process saw it: members lost, the primary moved. Thread-safe."""

    def __init__(self) -> None:
        self._kept: deque[Breadcrumb] = deque(maxlen=KEPT_HAPPENINGS)
        self._lock = threading.Lock()

    def note(self, message: str, **data: str | float) -> None:
        record = CURRENT.get()
        if record is not None and record.span is not None:
            record.span.add_event(message, data)
        with self._lock:
            self._kept.append(Breadcrumb(time.time(), "database", message, data))

    def lately(self) -> tuple[Breadcrumb, ...]:
        oldest = time.time() - HAPPENING_SECONDS
        with self._lock:
            return tuple(crumb for crumb in self._kept if crumb.at >= oldest)
