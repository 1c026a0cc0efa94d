"""However many ask at once, the database works on few of them at a time, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from uuid import uuid4

import pytest

from pipeline.conftest import Postgres
from pipeline.recommender import connections, create_app
from pipeline.recommender.conftest import ORDER, play
from pipeline.recommender.connections import READERS, DatabaseUnavailable, Turns

CROWD = 3 * READERS


def reading(postgres: Postgres, name: str) -> int:
    """Reads that are in the database now."""
    with postgres.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'recommender' AND datname = %s AND state = 'active'",
            (name,),
        ).fetchone()
    return row[0] if row else 0


def test_a_crowd_of_readers_takes_turns(postgres: Postgres, filled: str, monkeypatch: pytest.MonkeyPatch):
    # Nobody gives up, however slow the machine is.
    monkeypatch.setattr(connections, "READER_WAIT_SECONDS", 60)
    monkeypatch.setattr(connections, "READ_DEADLINE_SECONDS", 60)
    application = create_app(postgres.settings(filled, "recommender"))
    statuses: list[int] = []

    def read() -> None:
        statuses.append(application.test_client().get("/instruments").status_code)

    crowd = [threading.Thread(target=read) for _ in range(CROWD)]
    with postgres.connect(filled) as connection, connection.transaction():
        connection.execute("LOCK TABLE instruments IN ACCESS EXCLUSIVE MODE")
        for reader in crowd:
            reader.start()
        deadline = time.monotonic() + 10
        while (now := reading(postgres, filled)) < READERS:
            assert time.monotonic() < deadline, f"{now} reads"
            time.sleep(0.02)
        time.sleep(0.3)
        assert reading(postgres, filled) == READERS
        # Writes have turns of their own.
        assert play(application.test_client(), str(uuid4()), {"song": ORDER[1]}).status_code == 201
    for reader in crowd:
        reader.join(timeout=60)
    # Those inside the database when the table was free again were answered, and so were all who came after them.
    assert statuses == [200] * CROWD


def test_whether_the_database_answers_is_asked_out_of_turn(
    postgres: Postgres, filled: str, monkeypatch: pytest.MonkeyPatch
):
    # A crowd that never ends.
    monkeypatch.setattr(connections, "READERS", 0)
    client = create_app(postgres.settings(filled, "recommender")).test_client()
    assert client.get("/instruments").status_code == 503
    assert client.get("/readyz").status_code == 200


def test_nobody_waits_for_a_turn_that_comes_too_late():
    turns = Turns(1, 60, "reader", lambda _: None)
    with turns.one():
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable), turns.one(until=began + 0.05):
            raise AssertionError("came in")
        with pytest.raises(DatabaseUnavailable), turns.one(until=began - 1):
            raise AssertionError("came in")
        assert time.monotonic() - began < 30


def test_a_turn_that_does_not_come_is_refused_and_counted():
    counted: list[str] = []
    turns = Turns(1, 0.05, "reader", counted.append)
    with turns.one():
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="too many readers wait already"), turns.one():
            raise AssertionError("came in")
        assert 0.04 < time.monotonic() - began < 5
    assert counted == ["readers_busy"]
    # The turn was given back, also by who failed.
    with pytest.raises(ZeroDivisionError), turns.one():
        raise ZeroDivisionError
    with turns.one():
        pass
    assert counted == ["readers_busy"]
