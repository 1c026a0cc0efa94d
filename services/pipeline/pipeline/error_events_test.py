"""An error event says what is needed to understand it, nothing that is secret, and is not sent a thousand times."""

from __future__ import annotations

import json

import pytest

from pipeline.conftest import Collector
from pipeline.error_events import Allowance, Breadcrumb, ErrorEvents, Place, start_error_events, without_secrets
from pipeline.mistake import MistakeError
from pipeline.telemetry import Telemetry

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PLACE = Place("GET /songs/:hash", TRACE, SPAN, trace_kept=True)


def events_of(telemetry: Telemetry) -> ErrorEvents:
    assert telemetry.events is not None
    return telemetry.events


def raised(message: str) -> Exception:
    try:
        raise LookupError(message)
    except LookupError as error:
        return error


def test_report_tells_where_what_and_what_was_before(telemetry: Telemetry, collector: Collector):
    before = [Breadcrumb(20.0, "query", "SQL song", {"ms": 3}), Breadcrumb(10.0, "database", "the primary moved", {})]
    assert events_of(telemetry).report(raised("no such thing"), PLACE, before, {"http": {"path": "/songs/1"}})
    telemetry.stop()
    (event,) = collector.events
    assert event["tags"] == {
        "group": "experiment",
        "service": "recommender",
        "zone": "a",
        "node": "experiment-a",
        "route": "GET /songs/:hash",
        "trace_kept": "true",
    }
    assert event["contexts"]["trace"] == {"trace_id": TRACE, "span_id": SPAN}
    assert event["contexts"]["http"] == {"path": "/songs/1"}
    assert event["fingerprint"] == ["LookupError", "GET /songs/:hash"]
    assert event["environment"] == "experiment"
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["the primary moved", "SQL song"]
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("LookupError", "no such thing")
    frame = error["stacktrace"]["frames"][-1]
    assert (frame["function"], frame["in_app"], frame.get("vars")) == ("raised", True, None)
    assert "raise LookupError(message)" in frame["context_line"]


def test_an_event_without_a_trace_has_none_of_its_own(telemetry: Telemetry, collector: Collector):
    events_of(telemetry).report(raised("x"), Place("ingest: load", None, None, trace_kept=False))
    telemetry.stop()
    assert "trace" not in collector.events[0]["contexts"]


def test_no_secret_leaves_the_process(telemetry: Telemetry, collector: Collector):
    error = raised('connection to "postgresql://ingest:hunter2@host/db" failed, password=hunter2')
    crumb = Breadcrumb(1.0, "database", "Authorization: Bearer hunter2hunter2", {"password_file": "hunter2"})
    events_of(telemetry).report(error, PLACE, [crumb], {"more": {"nested": {"api_key": "hunter2"}}})
    telemetry.stop()
    assert len(collector.events) == 1
    assert "hunter2" not in json.dumps(collector.events)
    assert "[removed]@host/db" in collector.events[0]["exception"]["values"][0]["value"]


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("password=a b", "password=[removed] b"),
        ('{"token": "abc", "n": 1}', '{"token": [removed], "n": 1}'),
        ('password="a b", next', "password=[removed], next"),
        ("{'Authorization': 'Basic dXNlcjpwdw=='}", "{'Authorization': [removed]}"),
        ("the password is wrong", "the password is wrong"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://ingest:pw@host/db", "postgresql://[removed]@host/db"),
        ("sent to http://0123abcd@oncall:8070/1", "sent to http://[removed]@oncall:8070/1"),
        ("a:b@c and x <y@z>", "a:b@c and x <y@z>"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic [removed]"),
        ("sent Basic dXNlcjpwdw== to it", "sent Basic [removed] to it"),
        ("sent bearer abcdef123456, then", "sent bearer [removed], then"),
        ("a basic idea, a token of it", "a basic idea, a token of it"),
        ({"Cookie": "a", "name": "b"}, {"Cookie": "[removed]", "name": "b"}),
        ([("x", {"dsn": 1})], [["x", {"dsn": "[removed]"}]]),
        (7, 7),
        (None, None),
    ],
)
def test_without_secrets(value: object, safe: object):
    assert without_secrets(value) == safe


def test_a_storm_of_errors_is_a_few_events_and_the_next_tells_how_many_were_left_out(
    telemetry: Telemetry, collector: Collector, monkeypatch: pytest.MonkeyPatch
):
    events, clock = events_of(telemetry), [1000.0]
    monkeypatch.setattr("pipeline.error_events.time.monotonic", lambda: clock[0])
    events._allowances = {False: Allowance(rate=1, burst=10), True: Allowance(rate=4, burst=20)}
    unkept = PLACE._replace(trace_kept=False)
    sent = [events.report(raised("x"), unkept) for _ in range(50)]
    assert [bool(each) for each in sent] == [True] * 10 + [False] * 40
    # A trace that is kept is worth an event although the others used up theirs.
    assert events.report(raised("x"), PLACE)
    clock[0] += 1.0
    assert events.report(raised("x"), unkept)
    assert events.report(raised("x"), unkept) is None
    monkeypatch.undo()
    telemetry.stop()
    left_out = [event["contexts"]["reporting"]["left_out_before"] for event in collector.events]
    assert left_out == [0] * 10 + [40, 0]


def test_start_error_events_refuses_a_malformed_address_without_repeating_it():
    with pytest.raises(MistakeError, match="SENTRY_DSN is malformed") as refusal:
        start_error_events({"SENTRY_DSN": "hunter2"}, service="s")
    assert "hunter2" not in str(refusal.value)


def test_start_error_events_does_nothing_unasked():
    assert start_error_events({"SENTRY_DSN": " "}, service="s") is None
