"""Listening events are acknowledged only when they are durable, and nobody waits for ever."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from werkzeug.test import TestResponse

from pipeline.conftest import Postgres
from pipeline.recommender import create_app
from pipeline.recommender.conftest import ORDER, assert_problem, play, plays_in
from pipeline.recommender.connections import NotDurable


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
