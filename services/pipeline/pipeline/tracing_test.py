"""Traces are asked for by variables, cost nothing unasked, and never hold up the way out."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from pipeline.conftest import PACKAGE_FOLDER, Collector
from pipeline.mistake import MistakeError
from pipeline.telemetry import Telemetry, start_telemetry
from pipeline.tracing import TraceParent, read_traceparent, resource_attributes, start_tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "parent"),
    [
        (f"00-{TRACE}-{SPAN}-01", TraceParent(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-00", TraceParent(TRACE, SPAN, False)),
        # Bit 0 alone says it; the others may come to mean something.
        (f"00-{TRACE}-{SPAN}-03", TraceParent(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-02", TraceParent(TRACE, SPAN, False)),
        (None, None),
        ("", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-01-more", None),
    ],
)
def test_read_traceparent(header: str | None, parent: TraceParent | None):
    assert read_traceparent(header) == parent


def test_telemetry_that_nobody_asked_for_is_not_even_loaded():
    program = (
        "import sys\n"
        "from pipeline.recommender import create_app\n"
        "import pipeline.ingest\n"
        "create_app()\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('opentelemetry', 'sentry_sdk', 'requests')])\n"
    )
    unwanted = ("OTEL_", "SENTRY_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    environment |= {"PYTHONPATH": str(PACKAGE_FOLDER), "DATABASE_HOSTS": "nowhere"}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": " "},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_start_tracing_does_nothing_unasked(environment: dict[str, str]):
    assert start_tracing(environment, service="s") is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "jaeger"},
            "OTEL_TRACES_EXPORTER is 'jaeger'; known are otlp, zipkin, console and none",
        ),
        ({"OTEL_TRACES_EXPORTER": "zipkin,jaeger"}, "OTEL_TRACES_EXPORTER is 'zipkin,jaeger'"),
        ({"OTEL_TRACES_EXPORTER": "zipkin,"}, "OTEL_TRACES_EXPORTER is 'zipkin,'"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "only http/protobuf is there"),
    ],
)
def test_start_tracing_refuses_variables_that_are_wrong(environment: dict[str, str], message: str):
    with pytest.raises(MistakeError, match=message):
        start_tracing(environment, service="s")


def test_resource_attributes_tell_where_a_process_runs_and_give_way_to_what_is_said():
    environment = {"GROUP": "experiment", "NODE_NAME": "experiment-b", "SENTRY_RELEASE": "abc"}
    assert resource_attributes(environment, "recommender") == {
        "service.name": "recommender",
        "service.version": "abc",
        "group": "experiment",
        "zone": "b",
        "k8s.node.name": "experiment-b",
    }
    said = {**environment, "ZONE": "eu-1b", "OTEL_RESOURCE_ATTRIBUTES": "group=other,service.version=1"}
    assert resource_attributes(said, "recommender") == {
        "service.name": "recommender",
        "zone": "eu-1b",
        "k8s.node.name": "experiment-b",
    }
    assert resource_attributes({"NODE_NAME": "ip-10-0-0-1"}, "s")["zone"] == "ip-10-0-0-1"


def test_begin_request_keeps_what_the_client_kept_and_nothing_else(telemetry: Telemetry, collector: Collector):
    assert telemetry.tracing is not None
    for flags in ("00", "01"):
        headers = {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}
        span = telemetry.tracing.begin_request("GET /x", headers, read_traceparent(headers["traceparent"]), {})
        assert (span is not None) == (flags == "01")
    assert span is not None
    span.end()
    collector.wait(lambda: collector.spans)
    assert (collector.span("GET /x")["traceId"], collector.span("GET /x")["parentId"]) == (TRACE, SPAN)
    assert collector.span("GET /x")["tags"]["group"] == "experiment"


def test_begin_request_asks_a_sampler_that_does_not_follow_the_client(
    telemetry: Telemetry, collector: Collector, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    tracing = start_tracing({**collector.environment(), "OTEL_TRACES_SAMPLER": "always_on"}, service="s")
    assert tracing is not None
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    assert tracing.begin_request("GET /x", headers, read_traceparent(headers["traceparent"]), {}) is not None
    tracing.stop()


def test_otlp_is_spoken_by_variable_alone(collector: Collector, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.port}")
    tracing = start_tracing({"OTEL_TRACES_EXPORTER": "otlp"}, service="s")
    assert tracing is not None
    tracing.begin("something", None).end()
    tracing.stop()
    assert collector.paths == ["/v1/traces"]


def test_spans_go_to_each_exporter_that_is_named_and_once(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for key, value in collector.environment().items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.port}")
    tracing = start_tracing({"OTEL_TRACES_EXPORTER": "zipkin, otlp,console,none,zipkin"}, service="s")
    assert tracing is not None
    tracing.begin("something", None).end()
    tracing.stop()
    assert sorted(collector.paths) == ["/api/v2/spans", "/v1/traces"]
    assert '"name": "something"' in capsys.readouterr().out


def test_stop_leaves_a_store_that_does_not_answer_behind(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_ZIPKIN_ENDPOINT", f"http://{address}/api/v2/spans")
        environment = {"OTEL_TRACES_EXPORTER": "zipkin", "SENTRY_DSN": f"http://k@{address}/1"}
        telemetry = start_telemetry(environment, service="s")
        assert telemetry.tracing is not None
        telemetry.tracing.begin("something", None).end()
        began = time.monotonic()
        telemetry.stop(0.3)
        assert 0.2 < time.monotonic() - began < 1.5


def test_spans_that_cannot_be_sent_are_told_of_once_in_a_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://127.0.0.1:1/api/v2/spans")
    tracing = start_tracing({"OTEL_TRACES_EXPORTER": "zipkin"}, service="s", at_once=True)
    assert tracing is not None
    for _ in range(3):
        tracing.begin("something", None).end()
    tracing.stop()
    # A set: what another test left behind may tell of its own span.
    assert set(caplog.messages) == {"Cannot send spans: ConnectionError; 1 lost so far"}
