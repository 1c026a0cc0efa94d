"""What tests of the service share: a database with 700 songs, and a client of the service before it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pipeline import load as loading
from pipeline.conftest import Postgres
from pipeline.corpus import song_instruments
from pipeline.database import connect
from pipeline.recommender import create_app
from pipeline.similarity import Neighbours, jaccard_distance
from pipeline.transform import Catalogue, SongRow

SONGS = 700


def hash_of(index: int) -> str:
    return f"{random.Random(index).getrandbits(128):032x}"


def catalogue_rows() -> dict[str, tuple[int, ...]]:
    return {hash_of(index): song_instruments(1, index) for index in range(SONGS)}


ROWS = catalogue_rows()
ORDER = sorted(ROWS)
GOOD_PLAY = {"song": ORDER[0]}


def fill(postgres: Postgres) -> str:
    """Name of a new database with 700 songs and their neighbours."""
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
def filled(postgres: Postgres) -> str:
    return fill(postgres)


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


def play(client: FlaskClient, key: str | None, body: object, **headers: str) -> TestResponse:
    given = {"Idempotency-Key": key} if key is not None else {}
    return client.post(
        "/plays", data=json.dumps(body), headers={"Content-Type": "application/json", **given, **headers}
    )


def plays_in(postgres: Postgres, name: str, key: str) -> int:
    with postgres.connect(name) as connection:
        row = connection.execute("SELECT count(*) FROM plays WHERE idempotency_key = %s", (key,)).fetchone()
    return row[0] if row else 0
