"""Traces: the part of OpenTelemetry that the pipeline needs, and how it is switched on.

    client -- traceparent --> server span -- parent --> SQL spans

OTEL_TRACES_EXPORTER says where spans go: `otlp`, `zipkin`, `console`, or several with commas. Unset or `none` loads
nothing of OpenTelemetry.
All its other variables (OTEL_EXPORTER_*, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*) are the SDK's.

Spans are written by hand: what counts here is known, and packages that wrap every call cost every request, also the
nineteen of twenty whose trace is not kept.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline.mistake import MistakeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = logging.getLogger(__name__)

Attributes = Mapping[str, str | int | float | bool]
EXPORTERS = ("otlp", "zipkin", "console")
# A store of traces that does not answer must not hold up the batch whose trace it is.
PARTITION_EXPORT_SECONDS = 1.0
# One line a minute about spans that could not be sent.
_TELL_AGAIN_SECONDS = 60.0

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")

# Name of a node of the local cluster: its group and its zone.
_LOCAL_NODE = re.compile(r"(?:control|experiment)-([a-z])")


class TraceParent(NamedTuple):
    """The header `traceparent` of W3C Trace Context."""

    trace_id: str
    span_id: str
    sampled: bool


def read_traceparent(header: str | None) -> TraceParent | None:
    """None when there is none, or one that cannot be read: then the trace begins here."""
    match = _TRACEPARENT.fullmatch(header) if header is not None else None
    return TraceParent(match[1], match[2], int(match[3], 16) & 1 == 1) if match else None


class Tracing:
    """Makes spans and sends them. Made by `start_tracing`."""

    def __init__(self, provider: TracerProvider, *, parent_decides: bool) -> None:
        """:param parent_decides: whether the sampler keeps exactly those traces whose beginning was kept"""
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415

        self._provider = provider
        self._tracer = provider.get_tracer("pipeline")
        self._parent_decides = parent_decides
        self._context_of = trace.set_span_in_context
        self._kinds = {
            "internal": trace.SpanKind.INTERNAL,
            "server": trace.SpanKind.SERVER,
            "client": trace.SpanKind.CLIENT,
        }
        self._error = trace.StatusCode.ERROR
        self._w3c = tracecontext.TraceContextTextMapPropagator()

    def begin_request(
        self, name: str, headers: Mapping[str, str], parent: TraceParent | None, attributes: Attributes
    ) -> Span | None:
        """
        The span of a request that was received, or None when its trace is not kept.

        :param parent: what `headers` say, read before: most requests need no more than that
        """
        if parent is not None and not parent.sampled and self._parent_decides:
            return None
        return self.begin_remote(name, headers, attributes, "server")

    def begin_remote(
        self, name: str, carrier: Mapping[str, str], attributes: Attributes, kind: Literal["server", "internal"]
    ) -> Span | None:
        context = self._w3c.extract(carrier)
        span = self._tracer.start_span(name, context, kind=self._kinds[kind], attributes=attributes)
        return span if span.is_recording() else None

    def begin(
        self,
        name: str,
        parent: Span | None,
        attributes: Attributes | None = None,
        kind: Literal["internal", "client"] = "internal",
    ) -> Span:
        """A span below `parent`, or the root of a new trace. Whoever begins it ends it."""
        context = self._context_of(parent) if parent is not None else self._w3c.extract({})
        return self._tracer.start_span(name, context, kind=self._kinds[kind], attributes=attributes)

    def fail(self, span: Span, reason: str) -> None:
        span.set_status(self._error, reason[:200])

    def carrier(self, span: Span) -> dict[str, str]:
        """What another process needs to go on with the trace of `span`."""
        carrier: dict[str, str] = {}
        self._w3c.inject(carrier, self._context_of(span))
        return carrier

    def stop(self) -> None:
        """Sends what is left, however long that takes."""
        self._provider.shutdown()


def trace_id_of(span: Span) -> str:
    return f"{span.get_span_context().trace_id:032x}"


def span_id_of(span: Span) -> str:
    return f"{span.get_span_context().span_id:016x}"


def start_tracing(environment: Mapping[str, str], *, service: str, at_once: bool = False) -> Tracing | None:
    """
    None when OTEL_TRACES_EXPORTER does not ask for traces; then nothing was loaded.

    :param service: name of the service when OTEL_SERVICE_NAME gives none
    :param at_once: send each span when it ends, in its own thread: for a process that may be gone a moment later
    :raises MistakeError: when a variable is wrong
    """
    exporters = _exporter_names(environment)
    if not exporters or (environment.get("OTEL_SDK_DISABLED") or "").lower() == "true":
        return None
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - who does not trace does not pay for it
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(
        resource=Resource.create(resource_attributes(environment, service)),
        # Sent by `stop`, on the one way out that there is.
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_span_attribute_length=2_000, max_events=64),
    )
    for name in exporters:
        sender = _forgiving(_exporter(name, environment, PARTITION_EXPORT_SECONDS if at_once else None))
        provider.add_span_processor(SimpleSpanProcessor(sender) if at_once else BatchSpanProcessor(sender))
    sampler = environment.get("OTEL_TRACES_SAMPLER") or "parentbased_always_on"
    return Tracing(provider, parent_decides=sampler.strip().startswith("parentbased_"))


def resource_attributes(environment: Mapping[str, str], service: str) -> dict[str, str]:
    """What stands on every span of this process; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME go before it."""
    given = {
        "service.name": environment.get("OTEL_SERVICE_NAME") or service,
        "service.version": environment.get("SENTRY_RELEASE"),
        "group": environment.get("GROUP"),
        "zone": zone_of(environment),
        "k8s.node.name": environment.get("NODE_NAME"),
        "k8s.pod.name": environment.get("POD_NAME"),
    }
    said = {pair.partition("=")[0].strip() for pair in (environment.get("OTEL_RESOURCE_ATTRIBUTES") or "").split(",")}
    return {key: value for key, value in given.items() if value and key not in said}


def zone_of(environment: Mapping[str, str]) -> str | None:
    """The letter that a node of the local cluster bears; elsewhere the node's name stands in for an unknown zone."""
    node = environment.get("NODE_NAME") or None
    local = _LOCAL_NODE.fullmatch(node or "")
    return environment.get("ZONE") or (local[1] if local else node)


def _exporter_names(environment: Mapping[str, str]) -> list[str]:
    """
    Each once; empty when no traces are wanted.

    :raises MistakeError: when one is unknown
    """
    text = (environment.get("OTEL_TRACES_EXPORTER") or "").strip() or "none"
    names = dict.fromkeys(name.strip().lower() for name in text.split(","))
    if not names.keys() <= {*EXPORTERS, "none"}:
        known = ", ".join(EXPORTERS)
        raise MistakeError(f"Cannot trace: OTEL_TRACES_EXPORTER is '{text}'; known are {known} and none")
    return [name for name in names if name != "none"]


def _exporter(name: str, environment: Mapping[str, str], timeout_seconds: float | None) -> SpanExporter:
    if name == "zipkin":
        from opentelemetry.exporter.zipkin.json import ZipkinExporter  # noqa: PLC0415

        return ZipkinExporter(timeout=timeout_seconds)  # type: ignore[arg-type] - seconds, given on to requests
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter(out=sys.stdout)
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in (None, "", "http/protobuf"):
        raise MistakeError(f"Cannot trace: the OTLP protocol is '{protocol}'; only http/protobuf is there")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter(timeout=timeout_seconds)


def _forgiving(exporter: SpanExporter) -> SpanExporter:
    from opentelemetry.sdk.trace import export  # noqa: PLC0415

    class Forgiving(export.SpanExporter):
        """Spans that cannot be sent are lost; the log is told in one line a minute, not in a stack trace each time."""

        def __init__(self) -> None:
            self._lost = 0
            self._tell_at = 0.0

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            reason = "the store refused them"
            try:
                if exporter.export(spans) is export.SpanExportResult.SUCCESS:
                    return export.SpanExportResult.SUCCESS
            except Exception as error:  # noqa: BLE001, RUF100 - whatever a client of HTTP may raise
                reason = type(error).__name__
            self._lost += len(spans)
            if time.monotonic() >= self._tell_at:
                self._tell_at = time.monotonic() + _TELL_AGAIN_SECONDS
                log.warning("Cannot send spans: %s; %d lost so far", reason, self._lost)
            return export.SpanExportResult.FAILURE

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    return Forgiving()
