"""A request can be followed from its histogram to its trace, down to each statement, and to the event of its error."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import uuid4

import pytest
from flask import Flask

from pipeline.conftest import Collector, Postgres
from pipeline.recommender import create_app
from pipeline.recommender.conftest import GOOD_PLAY, ORDER, play
from pipeline.recommender.connections import Connections
from pipeline.recommender.request_record import Happenings
from pipeline.telemetry import Telemetry

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
KEPT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
NOT_KEPT = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
COUNT = re.compile(r'recommender_request_duration_seconds_bucket\{.*route="/songs/:hash".*\} [0-9.]+ # (.*)')


@pytest.fixture
def app(postgres: Postgres, filled: str, telemetry: Telemetry) -> Flask:
    return create_app(postgres.settings(filled, "recommender"), telemetry)


def test_a_trace_goes_on_from_the_header_through_the_pool_to_each_statement(app: Flask, collector: Collector):
    path = f"/songs/{ORDER[0]}"
    assert app.test_client().get(path, headers=KEPT).status_code == 200
    collector.wait(lambda: len(collector.spans) == 3)
    request, taken, statement = (collector.span(name) for name in ("GET /songs/:hash", "take connection", "SQL song"))
    assert {span["traceId"] for span in collector.spans} == {TRACE}
    assert (request["parentId"], request["kind"]) == (SPAN, "SERVER")
    assert taken["parentId"] == statement["parentId"] == request["id"]
    assert (
        request["tags"].items()
        >= {
            "http.route": "/songs/:hash",
            "http.response.status_code": "200",
            "url.path": path,
            "zone": "a",
        }.items()
    )
    assert taken["tags"].items() >= {"db.session": "any", "db.connection.new": "true"}.items()
    assert (
        statement["tags"].items()
        >= {
            "server.address": "127.0.0.1",
            "db.role": "primary",
            "db.query.summary": "song",
        }.items()
    )
    assert int(statement["tags"]["db.response.returned_rows"]) > 0
    # The statement, not what was asked for with it.
    assert "WHERE song.hash = %(hash)s" in statement["tags"]["db.query.text"]
    assert ORDER[0] not in str(statement)


def test_a_request_without_a_header_begins_a_trace_and_probes_do_not(app: Flask, collector: Collector):
    client = app.test_client()
    for path in ("/healthz", "/readyz", "/metrics", "/instruments"):
        assert client.get(path).status_code == 200
    collector.wait(lambda: len(collector.spans) == 3)
    assert "parentId" not in collector.span("GET /instruments")


def test_a_request_whose_trace_is_not_kept_leaves_nothing(app: Flask, collector: Collector, telemetry: Telemetry):
    client = app.test_client()
    assert client.get("/instruments", headers=NOT_KEPT).status_code == 200
    assert "# {trace_id" not in client.get("/metrics", headers={"Accept": OPEN_METRICS}).text
    telemetry.stop()
    assert collector.bodies == []


def test_a_page_after_page_answer_is_one_span_until_its_last_line(app: Flask, collector: Collector):
    headers = {**KEPT, "Accept": "application/x-ndjson"}
    with app.test_client().get("/songs", headers=headers) as answer:
        assert len(answer.text.splitlines()) == 700
    collector.wait(lambda: any(span["name"] == "GET /songs" for span in collector.spans))
    request = collector.span("GET /songs")
    pages = [span for span in collector.spans if span["name"] == "SQL songs"]
    assert [span["parentId"] for span in pages] == [request["id"]] * 2
    assert request["timestamp"] + request["duration"] >= max(span["timestamp"] + span["duration"] for span in pages)


def test_metrics_have_exemplars_for_who_can_read_them(app: Flask):
    client = app.test_client()
    client.get(f"/songs/{ORDER[0]}", headers=KEPT)
    answer = client.get("/metrics", headers={"Accept": OPEN_METRICS})
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    exemplars = [match[1] for match in COUNT.finditer(answer.text)]
    assert len(exemplars) == 1
    assert exemplars[0].startswith(f'{{trace_id="{TRACE}"}} 0.')
    plain = client.get("/metrics")
    assert plain.content_type.startswith("text/plain; version=0.0.4")
    assert "trace_id" not in plain.text


def test_an_unexpected_error_is_an_event_with_the_trace_and_the_statements_before(
    app: Flask, collector: Collector, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pipeline.recommender.app.moment", lambda _: 1 / 0)
    assert play(app.test_client(), str(uuid4()), GOOD_PLAY, **KEPT).status_code == 500
    telemetry.stop()
    (event,) = collector.events
    assert event["contexts"]["trace"]["trace_id"] == TRACE
    assert event["contexts"]["trace"]["span_id"] == collector.span("POST /plays")["id"]
    assert event["contexts"]["http"] == {"route": "POST /plays", "path": "/plays"}
    assert event["fingerprint"] == ["ZeroDivisionError", "POST /plays"]
    crumbs = [(crumb["category"], crumb["message"]) for crumb in event["breadcrumbs"]["values"]]
    assert crumbs == [("connection", "take connection"), ("query", "SQL insert play")]
    assert ORDER[0] not in str(event["breadcrumbs"])
    assert collector.span("POST /plays")["tags"]["error"] == "status 500"


def test_a_database_error_that_reaches_the_client_is_an_event_also_when_the_trace_is_not_kept(
    postgres: Postgres, collector: Collector, telemetry: Telemetry
):
    client = create_app(postgres.settings("no_such_database", "recommender"), telemetry).test_client()
    assert client.get("/readyz").status_code == 503
    assert client.get("/instruments", headers=NOT_KEPT).status_code == 503
    telemetry.stop()
    (event,) = collector.events
    assert event["contexts"]["trace"] == {"trace_id": TRACE, "span_id": SPAN}
    assert (event["tags"]["trace_kept"], event["tags"]["route"]) == ("false", "GET /instruments")
    assert [each["type"] for each in event["exception"]["values"]] == ["OperationalError", "DatabaseUnavailable"]
    messages = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert "read again" in messages
    assert messages.count("a member took no connection") > 1
    assert collector.spans == []


def test_a_statement_that_fails_is_tried_again_within_one_trace(
    postgres: Postgres, filled: str, app: Flask, collector: Collector
):
    client = app.test_client()
    assert client.get("/instruments", headers=NOT_KEPT).status_code == 200
    with postgres.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'recommender' AND datname = %s",
            (filled,),
        )
    assert client.get("/instruments", headers=KEPT).status_code == 200
    collector.wait(lambda: any(span["name"] == "GET /instruments" for span in collector.spans))
    tries = sorted((s for s in collector.spans if s["name"] == "SQL instruments"), key=lambda span: span["timestamp"])
    assert ["error" in span["tags"] for span in tries] == [True, False]
    told = " ".join(note["value"] for note in collector.span("GET /instruments")["annotations"])
    assert "a member failed" in told
    assert "read again" in told


def test_a_primary_that_moved_is_remembered(postgres: Postgres, filled: str):
    own = postgres.settings(filled, "recommender")
    writers = Connections(own, "read-write", 1000, 1.0, happenings=Happenings(), statement_names={})
    with writers.one():
        pass
    # The same server under another name.
    writers._database = replace(own, hosts=(("localhost", postgres.port),))
    writers.drop_idle()
    with writers.one():
        pass
    (moved,) = writers._happenings.lately()
    assert (moved.message, moved.data) == ("the primary moved", {"before": "127.0.0.1", "now": "localhost"})
