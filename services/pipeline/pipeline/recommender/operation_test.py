"""Probes, metrics, a database that is not there or has lost connections."""

from __future__ import annotations

import time
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient

from pipeline.conftest import Postgres
from pipeline.database import connect
from pipeline.recommender import create_app
from pipeline.recommender.conftest import GOOD_PLAY, ORDER, SONGS, assert_problem, play


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
    assert "/metrics" not in text.replace("# HELP", "")
    assert ORDER[0] not in text


def test_the_service_cannot_change_the_catalogue(postgres: Postgres, filled: str):
    with (
        connect(postgres.settings(filled, "recommender"), session="read-write", application="test") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM songs")
