"""Listening events: recorded once."""

from __future__ import annotations

import threading
from uuid import uuid4

from flask.testing import FlaskClient

from pipeline.conftest import Postgres
from pipeline.recommender.conftest import ORDER, assert_problem, play, plays_in


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
