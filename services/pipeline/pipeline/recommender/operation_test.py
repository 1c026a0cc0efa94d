"""Probes, metrics, a database that is not there or has lost connections."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient

from pipeline.conftest import Postgres
from pipeline.database import connect
from pipeline.recommender import create_app
from pipeline.recommender.conftest import GOOD_PLAY, ORDER, SONGS, assert_problem, play
from pipeline.recommender.connections import DatabaseUnavailable
from pipeline.recommender.metrics import Batches, signals


def test_probes_tell_alive_from_ready(client: FlaskClient, postgres: Postgres):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    away = create_app(postgres.settings("no_such_database", "recommender")).test_client()
    assert away.get("/healthz").status_code == 200
    assert_problem(away.get("/readyz"), 503, "does not answer right now")


def test_a_database_without_schema_is_not_ready_yet(postgres: Postgres):
    name = postgres.create()
    client = create_app(postgres.settings(name, "recommender")).test_client()
    assert_problem(client.get("/readyz"), 503)


@pytest.mark.parametrize("path", ["/songs", f"/songs/{ORDER[0]}", "/instruments"])
def test_a_missing_database_is_503_within_the_deadline(postgres: Postgres, path: str):
    client = create_app(postgres.settings("no_such_database", "recommender")).test_client()
    began = time.monotonic()
    answer = client.get(path, headers={"Accept": "application/x-ndjson"})
    assert_problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert time.monotonic() - began < 2.5
    assert_problem(play(client, "k", GOOD_PLAY), 503)


def test_reads_go_on_when_connections_die(client: FlaskClient, postgres: Postgres, filled: str):
    for _ in range(3):
        assert client.get("/songs").status_code == 200
        with postgres.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'recommender' AND datname = %s",
                (filled,),
            )
    assert client.get("/songs").status_code == 200
    assert play(client, str(uuid4()), GOOD_PLAY).status_code == 201


def test_metrics_name_routes_and_the_last_batch(client: FlaskClient):
    client.get(f"/songs/{ORDER[0]}")
    client.get("/nowhere/at/all")
    text = client.get("/metrics").text
    assert 'recommender_request_duration_seconds_count{method="GET",route="/songs/:hash",status="200"}' in text
    assert 'route="unmatched",status="404"' in text
    assert f'ingest_files_total{{outcome="ok"}} {SONGS}.0' in text
    assert 'ingest_files_total{outcome="damaged"} 0.0' in text
    newest = next(line for line in text.splitlines() if line.startswith("ingest_last_success_timestamp_seconds "))
    assert abs(float(newest.split()[1]) - time.time()) < 3600
    assert "ingest_batch_duration_seconds" in text
    clock = next(line for line in text.splitlines() if line.startswith("process_clock_seconds "))
    assert abs(float(clock.split()[1]) - time.time()) < 5
    assert "/metrics" not in text.replace("# HELP", "")
    assert ORDER[0] not in text


def ended(postgres: Postgres, name: str, *states: str) -> None:
    """Adds batches that ended with these states, one after the other."""
    with postgres.connect(name) as connection:
        for state in states:
            connection.execute(
                "INSERT INTO ingest_batches (id, input, state, finished_at, duration_seconds, files_ok, files_damaged)"
                " VALUES (gen_random_uuid(), 'x', %s, clock_timestamp(), 1, 2, 3)",
                (state,),
            )


def batch_metrics(postgres: Postgres, name: str) -> dict[str, float]:
    text = create_app(postgres.settings(name, "recommender")).test_client().get("/metrics").text
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("ingest_"))
    return {series: float(value) for series, value in lines}


def test_metrics_tell_failed_and_lost_batches_apart(postgres: Postgres, database: str):
    before_the_first = batch_metrics(postgres, database)
    ended(postgres, database, "failed", "succeeded", "abandoned")
    after_a_killed_one = batch_metrics(postgres, database)
    ended(postgres, database, "succeeded")
    after_a_good_one = batch_metrics(postgres, database)
    outcome = 'ingest_batches_total{{outcome="{}"}}'.format
    assert before_the_first == {
        outcome("succeeded"): 0,
        outcome("failed"): 0,
        outcome("abandoned"): 0,
        "ingest_batch_running_seconds": 0,
    }
    assert after_a_killed_one["ingest_last_batch_failed"] == 1
    assert [after_a_killed_one[outcome(each)] for each in ("succeeded", "failed", "abandoned")] == [1, 1, 1]
    assert after_a_killed_one["ingest_batch_duration_seconds"] == 1
    assert after_a_good_one["ingest_last_batch_failed"] == 0
    assert after_a_good_one[outcome("succeeded")] == 2


def test_metrics_tell_how_long_a_batch_runs(postgres: Postgres, database: str):
    with postgres.connect(database) as connection:
        connection.execute(
            "INSERT INTO ingest_batches (id, input, started_at)"
            " VALUES (gen_random_uuid(), 'x', now() - interval '100 s')"
        )
    metrics = batch_metrics(postgres, database)
    assert 100 <= metrics["ingest_batch_running_seconds"] < 160
    assert "ingest_last_batch_failed" not in metrics


def test_metrics_do_not_wait_for_a_database_that_is_silent(postgres: Postgres, filled: str):
    """A scrape ends after 4 s: a service that waited would look dead when its database is."""
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        hosts = tuple(member.getsockname() for member in silent)
        settings = replace(postgres.settings(filled, "recommender"), hosts=hosts)
        client = create_app(settings).test_client()
        began = time.monotonic()
        answers = [client.get("/metrics") for _ in range(2)]
        assert time.monotonic() - began < 3
        assert [answer.status_code for answer in answers] == [200, 200]
        assert "ingest_batches_total{" not in answers[1].text


def test_batches_outlive_a_failover_but_not_for_long(monkeypatch: pytest.MonkeyPatch):
    row = {"succeeded": 1, "failed": 0, "abandoned": 0, "running_seconds": 0.0, "last_failed": False}
    answers: list[dict[str, object]] = [{**row, "finished_at": None}]
    clock = [1000.0]

    def read() -> dict[str, object]:
        if answers:
            return answers.pop()
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr("pipeline.recommender.metrics.time.monotonic", lambda: clock[0])
    batches = Batches(signals(), read)
    known = []
    for _ in range(4):
        known.append(len(list(batches.collect())))
        clock[0] += 6
    assert known == [3, 3, 3, 3]
    assert list(batches.collect()) == []


def test_the_service_cannot_change_the_catalogue(postgres: Postgres, filled: str):
    with (
        connect(postgres.settings(filled, "recommender"), session="read-write", application="test") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM songs")
