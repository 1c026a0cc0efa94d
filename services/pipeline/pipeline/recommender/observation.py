"""What is seen of every request: its time and status, its span, and the event of an error it met."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import NamedTuple

from flask import Flask, Request, Response, g, request

from pipeline.error_events import ErrorEvents, Place
from pipeline.recommender.metrics import Metrics
from pipeline.recommender.request_record import CURRENT, Happenings, RequestRecord
from pipeline.telemetry import Telemetry
from pipeline.tracing import read_traceparent

# Asked every second by machines: neither measured nor traced.
PROBES = ("/metrics", "/healthz", "/readyz")
METHODS = ("GET", "HEAD", "POST", "OPTIONS")


class Reporter(NamedTuple):
    """Where errors of the request that is being answered go."""

    events: ErrorEvents
    record: RequestRecord
    happenings: Happenings
    place: str
    path: str


REPORTER: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


def observe(app: Flask, metrics: Metrics, telemetry: Telemetry, happenings: Happenings) -> None:
    tracing, events = telemetry.tracing, telemetry.events

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        if tracing is not None or events is not None:
            begin_record()

    def begin_record() -> None:
        record, reporter, route = None, None, route_of(request)
        if route not in PROBES:
            place = f"{method_of(request)} {route}"
            parent = read_traceparent(request.headers.get("traceparent"))
            span = None
            if tracing is not None:
                facts = {"http.request.method": method_of(request), "http.route": route, "url.path": request.path}
                span = tracing.begin_request(place, request.headers, parent, facts)
            if span is not None or events is not None:
                record = RequestRecord(tracing, span, parent, breadcrumbs=events is not None)
            if record is not None and events is not None:
                reporter = Reporter(events, record, happenings, place, request.path)
        CURRENT.set(record)
        REPORTER.set(reporter)

    @app.after_request
    def end(response: Response) -> Response:
        route = route_of(request)
        if route in PROBES:
            return response
        record = CURRENT.get() if tracing is not None else None
        trace_id = record.kept_trace_id if record is not None else None
        metrics.observe(
            method_of(request), route, response.status_code, time.perf_counter() - g.began, trace_id=trace_id
        )
        if record is not None and record.span is not None:
            finish(record, response)
        return response


def finish(record: RequestRecord, response: Response) -> None:
    """Ends the span with the answer; that of an answer in many parts when the last part was sent."""
    record.answered(response.status_code)
    if response.is_streamed:
        response.call_on_close(record.end)
    else:
        record.end()


def report(error: Exception) -> None:
    """Tells of an error that the client of this request sees."""
    record, reporter = CURRENT.get(), REPORTER.get()
    if record is not None and record.span is not None:
        # The stack is the event's: each kept trace of an outage would bring it to the store of traces as well.
        record.span.add_event("exception", {"exception.type": type(error).__name__, "exception.message": str(error)})
    if reporter is None:
        return
    kept = reporter.record.span is not None
    place = Place(reporter.place, reporter.record.trace_id, reporter.record.span_id, kept)
    breadcrumbs = (*reporter.happenings.lately(), *reporter.record.breadcrumbs)
    reporter.events.report(error, place, breadcrumbs, {"http": {"route": reporter.place, "path": reporter.path}})


def route_of(incoming: Request) -> str:
    return incoming.url_rule.rule.replace("<song_hash>", ":hash") if incoming.url_rule else "unmatched"


def method_of(incoming: Request) -> str:
    return incoming.method if incoming.method in METHODS else "other"
