from __future__ import annotations

import json
import os
import random
import signal
import string
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from pipeline import load as loading
from pipeline.conftest import Postgres
from pipeline.corpus import song_instruments
from pipeline.database import connect
from pipeline.recommender import create_app
from pipeline.recommender.connections import NotDurable
from pipeline.similarity import Neighbours, jaccard_distance
from pipeline.transform import Catalogue, SongRow

SONGS = 700


def hash_of(index: int) -> str:
    return f"{random.Random(index).getrandbits(128):032x}"


def catalogue_rows() -> dict[str, tuple[int, ...]]:
    return {hash_of(index): song_instruments(1, index) for index in range(SONGS)}


ROWS = catalogue_rows()
ORDER = sorted(ROWS)


@pytest.fixture(scope="session")
def filled(postgres: Postgres) -> str:
    """A database with 700 songs and their neighbours."""
    name = postgres.create_migrated()
    songs = [SongRow(key, f"song {key[:6]}", 100, ROWS[key]) for key in ORDER]
    sets = sorted({members for members in ROWS.values() if len(members) >= 3})
    pairs = [
        Neighbours(one, other, jaccard_distance(one, other))
        for place, one in enumerate(sets)
        for other in sets[place + 1 :]
        if jaccard_distance(one, other) < 0.5
    ]
    with connect(postgres.settings(name, "ingest"), session="read-write", application="test") as connection:
        batch = uuid4()
        loading.open_batch(connection, batch, "file:///corpus")
        known = loading.read_known_sets(connection)
        catalogue = Catalogue(songs, [], [f"/c/{key}.mid" for key in ORDER], 0)
        loading.load(connection, batch, catalogue, pairs, known=known, begin=time.monotonic())
    return name


@pytest.fixture(scope="session")
def client(postgres: Postgres, filled: str) -> FlaskClient:
    return create_app(postgres.settings(filled, "recommender")).test_client()


def pages(client: FlaskClient, path: str, limit: int) -> Iterator[list[dict[str, Any]]]:
    cursor = ""
    while True:
        sign = "&" if "?" in path else "?"
        answer = client.get(f"{path}{sign}limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        body = answer.get_json()
        yield body["songs"]
        cursor = body["next"]
        if cursor is None:
            return


def everything(client: FlaskClient, path: str, limit: int) -> list[dict[str, Any]]:
    return [song for page in pages(client, path, limit) for song in page]


def assert_problem(answer: TestResponse, status: int, words: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert problem["status"] == status
    assert problem["title"]
    assert words in problem["detail"]
    return problem


# Reading


def test_songs_come_in_pages_of_a_fixed_order(client: FlaskClient):
    expected = [{"hash": key, "name": f"song {key[:6]}"} for key in ORDER]
    assert everything(client, "/songs", 99) == expected
    assert everything(client, "/songs", 350) == expected
    assert [len(page) for page in pages(client, "/songs", 500)] == [500, 200]
    assert len(client.get("/songs").get_json()["songs"]) == 50


@pytest.mark.parametrize("wanted", [(0,), (128,), (0, 128), (0, 33, 128), (128, 127), (5, 17), tuple(range(32))])
@pytest.mark.parametrize("match", ["all", "any"])
def test_songs_of_instruments_are_those_that_have_all_or_any(client: FlaskClient, wanted: tuple[int, ...], match: str):
    test = set(wanted).issubset if match == "all" else lambda members: not set(wanted).isdisjoint(members)
    expected = [key for key in ORDER if test(ROWS[key])]
    codes = ",".join(map(str, wanted))
    for limit in (7, 500):
        found = everything(client, f"/songs?instruments={codes}&match={match}", limit)
        assert [song["hash"] for song in found] == expected


def test_songs_match_all_unless_told(client: FlaskClient):
    assert client.get("/songs?instruments=0,128").data == client.get("/songs?instruments=128,0,0&match=all").data


@pytest.mark.parametrize("query", ["", "?instruments=0,128&match=any", "?instruments=127,126,125"])
def test_songs_stream_whole_as_lines(client: FlaskClient, query: str):
    answer = client.get(f"/songs{query}", headers={"Accept": "application/x-ndjson"})
    assert answer.content_type == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.data.splitlines()]
    assert lines == everything(client, f"/songs{query}", 500)


def test_song_tells_its_instruments(client: FlaskClient):
    for key in ORDER[:40]:
        body = client.get(f"/songs/{key}").get_json()
        assert (body["hash"], body["name"]) == (key, f"song {key[:6]}")
        assert [instrument["code"] for instrument in body["instruments"]] == list(ROWS[key])
        assert all(set(instrument) == {"code", "name", "family"} for instrument in body["instruments"])


def test_similar_songs_come_nearest_first(client: FlaskClient):
    seen = 0
    for key in ORDER[:150]:
        large = len(ROWS[key]) >= 3
        expected = sorted(
            (jaccard_distance(ROWS[key], members), other)
            for other, members in ROWS.items()
            if large and other != key and len(members) >= 3 and jaccard_distance(ROWS[key], members) < 0.5
        )
        for limit in (2, 100):
            found = everything(client, f"/songs/{key}/similar", limit)
            assert [(song["distance"], song["hash"]) for song in found] == expected
        seen += len(expected)
    assert seen > 20


def test_instruments_are_all_129(client: FlaskClient):
    rows = client.get("/instruments").get_json()["instruments"]
    assert [row["code"] for row in rows] == list(range(129))
    assert rows[128] == {
        "code": 128,
        "name": "Percussion",
        "family": "Percussion",
        "songs": sum(128 in members for members in ROWS.values()),
    }


# Plays


def play(client: FlaskClient, key: str | None, body: object, **headers: str) -> TestResponse:
    given = {"Idempotency-Key": key} if key is not None else {}
    return client.post(
        "/plays", data=json.dumps(body), headers={"Content-Type": "application/json", **given, **headers}
    )


def plays_in(postgres: Postgres, name: str, key: str) -> int:
    with postgres.connect(name) as connection:
        row = connection.execute("SELECT count(*) FROM plays WHERE idempotency_key = %s", (key,)).fetchone()
    return row[0] if row else 0


def test_plays_are_recorded_once_and_answered_alike(client: FlaskClient, postgres: Postgres, filled: str):
    key, body = str(uuid4()), {"song": ORDER[0], "listenedAt": "2026-01-02T03:04:05.25+01:00"}
    first = play(client, key, body)
    assert first.status_code == 201
    assert first.get_json()["listenedAt"] == "2026-01-02T02:04:05.250000Z"
    again = play(client, key, {**body, "listenedAt": "2026-01-02T02:04:05.250Z"})
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert plays_in(postgres, filled, key) == 1


def test_plays_without_a_time_were_just_now(client: FlaskClient):
    key = str(uuid4())
    first = play(client, key, {"song": ORDER[1]})
    again = play(client, key, {"song": ORDER[1], "listenedAt": None})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()


def test_plays_refuse_a_key_that_comes_back_with_another_body(client: FlaskClient):
    key = str(uuid4())
    assert play(client, key, {"song": ORDER[2]}).status_code == 201
    assert_problem(play(client, key, {"song": ORDER[3]}), 409, "another body")
    assert_problem(play(client, key, {"song": ORDER[2], "listenedAt": "2026-01-01T00:00:00Z"}), 409, "another body")


def test_plays_at_once_with_one_key_are_one(client: FlaskClient, postgres: Postgres, filled: str):
    key, statuses = str(uuid4()), []
    application = client.application

    def send() -> None:
        statuses.append(play(application.test_client(), key, {"song": ORDER[4]}).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 7 + [201]
    assert plays_in(postgres, filled, key) == 1


@contextmanager
def lost_standby(postgres: Postgres) -> Iterator[None]:
    """A primary whose synchronous standby is gone: commits wait."""

    def tell(value: str) -> None:
        with postgres.connect() as connection:
            connection.execute("SET synchronous_commit = local")
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)

    tell("nobody")
    try:
        yield
    finally:
        tell("")


def waiting(postgres: Postgres) -> list[int]:
    with postgres.connect() as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchall()
    return [row[0] for row in rows]


def until_waiting(postgres: Postgres) -> int:
    deadline = time.monotonic() + 10
    while not (found := waiting(postgres)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


class Sender:
    """One play, sent again and again with one key from a thread of its own."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.application = create_app(postgres.settings(name, "recommender"))
        self.key = str(uuid4())
        self.answers: list[TestResponse] = []

    def send(self) -> threading.Thread:
        thread = threading.Thread(target=self._send)
        thread.start()
        return thread

    def _send(self) -> None:
        self.answers.append(play(self.application.test_client(), self.key, {"song": ORDER[5]}))

    def statuses(self) -> list[int]:
        return [answer.status_code for answer in self.answers]


def test_plays_are_acknowledged_only_when_the_standby_has_them(postgres: Postgres, filled: str):
    sender = Sender(postgres, filled)
    with lost_standby(postgres):
        thread = sender.send()
        until_waiting(postgres)
        # The statement time-out of writes is over by then; it must not have ended the wait with a success.
        thread.join(timeout=10)
        assert sender.statuses() == [503]
        assert sender.answers[0].headers["Retry-After"] == "1"
    sender.send().join(timeout=10)
    assert sender.statuses()[1] in (200, 201)
    assert plays_in(postgres, filled, sender.key) == 1


def test_plays_wait_for_the_standby_although_postgres_stopped_waiting(postgres: Postgres, filled: str):
    sender = Sender(postgres, filled)
    with lost_standby(postgres), postgres.connect() as connection:
        thread = sender.send()
        # Cancelled, Postgres keeps the row, and reports success with a warning.
        connection.execute("SELECT pg_cancel_backend(%s)", (until_waiting(postgres),))
        thread.join(timeout=10)
        assert sender.statuses() == [503]
        assert plays_in(postgres, filled, sender.key) == 1
        # The row is visible now. Visible is not durable.
        sender.send().join(timeout=10)
        assert sender.statuses() == [503, 503]
    sender.send().join(timeout=10)
    assert sender.statuses() == [503, 503, 200]
    metrics = sender.application.test_client().get("/metrics").text
    assert f'recommender_database_errors_total{{reason="{NotDurable.__name__}"}} 1.0' in metrics


@contextmanager
def silent_server(postgres: Postgres, name: str) -> Iterator[None]:
    """Server processes that hold their connections open and say nothing, like a paused container."""
    with postgres.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'recommender' AND datname = %s", (name,)
        ).fetchall()
    assert rows
    for row in rows:
        os.kill(row[0], signal.SIGSTOP)
    try:
        yield
    finally:
        for row in rows:
            os.kill(row[0], signal.SIGCONT)


def test_a_server_that_says_nothing_is_given_up(postgres: Postgres, filled: str):
    client = create_app(postgres.settings(filled, "recommender")).test_client()
    key = str(uuid4())
    assert client.get("/songs").status_code == 200
    assert play(client, str(uuid4()), {"song": ORDER[0]}).status_code == 201
    with silent_server(postgres, filled):
        began = time.monotonic()
        assert client.get("/songs").status_code == 200
        assert time.monotonic() - began < 1.5
        began = time.monotonic()
        assert_problem(play(client, key, {"song": ORDER[0]}), 503)
        assert time.monotonic() - began < 3
    again = play(client, key, {"song": ORDER[0]})
    assert again.status_code in (200, 201)
    assert plays_in(postgres, filled, key) == 1


# Bad input


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/songs/xyz", 400, "Parameter 'hash' must be an MD5"),
        ("/songs/" + "A" * 32, 400, "Parameter 'hash'"),
        ("/songs/" + "a" * 33, 400, "Parameter 'hash'"),
        ("/songs/" + "0" * 32, 404, "There is no song with hash 000"),
        ("/songs/" + "0" * 32 + "/similar", 404, "There is no song"),
        ("/songs/%00/similar", 400, "Parameter 'hash'"),
        ("/songs/%ff", 400, "Parameter 'hash'"),
        ("/songs?limit=0", 400, "a whole number from 1 to 500: current value is '0'"),
        ("/songs?limit=501", 400, "from 1 to 500"),
        ("/songs?limit=ten", 400, "from 1 to 500"),
        ("/songs?limit=%D9%A1", 400, "from 1 to 500"),
        ("/songs?limit=", 400, "from 1 to 500"),
        ("/songs?limit=5&limit=6", 400, "given more than once"),
        ("/songs?offset=5", 400, "Unknown parameter 'offset'; allowed are instruments, match, limit, cursor"),
        ("/songs?cursor=", 400, "Parameter 'cursor' must be the 'next' of an earlier answer"),
        ("/songs?cursor=%00", 400, "Parameter 'cursor'"),
        ("/songs?cursor=" + "A" * 4000, 400, "Parameter 'cursor'"),
        ("/songs?cursor=MDpmZg", 400, "Parameter 'cursor'"),
        ("/songs?instruments=", 400, "Parameter 'instruments' must be codes from 0 to 128"),
        ("/songs?instruments=129", 400, "Parameter 'instruments'"),
        ("/songs?instruments=-1", 400, "Parameter 'instruments'"),
        ("/songs?instruments=1,,2", 400, "Parameter 'instruments'"),
        ("/songs?instruments=1;DROP TABLE songs", 400, "Parameter 'instruments'"),
        ("/songs?instruments=" + ",".join(["1"] * 33), 400, "at most 32 codes: it has 33"),
        ("/songs?instruments=1&match=some", 400, "Parameter 'match' must be 'all' or 'any'"),
        ("/songs?match=all", 400, "Parameter 'match' needs 'instruments'"),
        ("/songs/" + ORDER[0] + "?limit=1", 400, "Unknown parameter 'limit'; none is allowed"),
        ("/songs/" + ORDER[0] + "/similar?cursor=bmFuOjAw", 400, "Parameter 'cursor'"),
        ("/instruments?limit=1", 400, "Unknown parameter 'limit'"),
        ("/nowhere", 404, ""),
        ("/plays", 405, ""),
    ],
)
def test_bad_requests_are_told_what_is_wrong(client: FlaskClient, path: str, status: int, words: str):
    assert_problem(client.get(path), status, words)


GOOD = {"song": ORDER[0]}


@pytest.mark.parametrize(
    ("key", "body", "status", "words"),
    [
        (None, GOOD, 400, "Header 'Idempotency-Key' must be"),
        ("", GOOD, 400, "Header 'Idempotency-Key' must be"),
        ("x" * 129, GOOD, 400, "1 to 128 visible ASCII characters"),
        ("caf\xe9", GOOD, 400, "Header 'Idempotency-Key' must be"),
        ("k", [], 422, "must be a JSON object"),
        ("k", None, 422, "must be a JSON object"),
        ("k", {}, 422, "Member 'song' must be an MD5"),
        ("k", {"song": 5}, 422, "Member 'song'"),
        ("k", {"song": ORDER[0] + "\n"}, 422, "Member 'song'"),
        ("k", {"song": "0" * 32}, 422, "There is no song with hash 000"),
        ("k", {**GOOD, "rating": 5}, 422, "Unknown member 'rating'"),
        ("k", {**GOOD, "listenedAt": "yesterday"}, 422, "Member 'listenedAt' must be an RFC 3339 time"),
        ("k", {**GOOD, "listenedAt": "2026-01-01T00:00:00"}, 422, "with a zone"),
        ("k", {**GOOD, "listenedAt": "0001-01-01T00:00:00+23:00"}, 422, "Member 'listenedAt'"),
        ("k", {**GOOD, "listenedAt": 1_700_000_000}, 422, "Member 'listenedAt'"),
    ],
)
def test_bad_plays_are_told_what_is_wrong(client: FlaskClient, key: str | None, body: object, status: int, words: str):
    assert_problem(play(client, key, body), status, words)


def test_bodies_that_are_not_json_or_too_long_are_refused(client: FlaskClient):
    headers = {"Idempotency-Key": "k"}
    post = lambda data, kind: client.post("/plays", data=data, headers={**headers, "Content-Type": kind})  # noqa: E731
    for data in (b"", b"{", b"\xff", b'{"song": NaN}', b"[" * 10_000, b"9" * 5_000):
        assert_problem(post(data, "application/json"), 400, "not valid JSON")
    assert_problem(post(b"{}", "text/plain"), 415, "must be application/json")
    assert_problem(client.post("/plays", data=b"{}", headers=headers), 415)
    assert_problem(post(b" " * 17_000, "application/json"), 413)
    assert_problem(client.delete("/songs"), 405)
    assert "GET" in client.delete("/songs").headers["Allow"]


TEXT = st.text(max_size=40) | st.text(alphabet=string.printable, max_size=60) | st.sampled_from(ORDER[:3])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | st.sampled_from(["song", "listenedAt"]), inner),
    max_leaves=12,
)
PARAMETERS = st.sampled_from(["limit", "cursor", "instruments", "match", "x"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/songs", f"/songs/{ORDER[0]}", f"/songs/{ORDER[0]}/similar", "/instruments"])
    | TEXT.map(lambda text: "/" + quote(text, safe="/")),
    query=st.dictionaries(PARAMETERS, TEXT | st.sampled_from(["1", "0,1", "any", "all"]), max_size=3),
)
def test_no_query_is_an_internal_error(client: FlaskClient, path: str, query: dict[str, str]):
    answer = client.get(path, query_string=query)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert_problem(answer, answer.status_code)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=JSON.map(json.dumps).map(str.encode) | st.binary(max_size=60), key=TEXT, kind=st.sampled_from(["json", "xml"])
)
def test_no_body_is_an_internal_error(client: FlaskClient, body: bytes, key: str, kind: str):
    key = key.encode("latin-1", "replace").decode("latin-1").replace("\r", "").replace("\n", "")
    answer = client.post("/plays", data=body, headers={"Idempotency-Key": key, "Content-Type": f"application/{kind}"})
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert_problem(answer, answer.status_code)


# Probes, metrics, a database that is not there


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
    assert_problem(play(client, "k", GOOD), 503)


def test_reads_go_on_when_connections_die(client: FlaskClient, postgres: Postgres, filled: str):
    for _ in range(3):
        assert client.get("/songs").status_code == 200
        with postgres.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'recommender' AND datname = %s",
                (filled,),
            )
    assert client.get("/songs").status_code == 200
    assert play(client, str(uuid4()), GOOD).status_code == 201


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
