from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from psycopg import errors

from pipeline.conftest import Postgres
from pipeline.database import connect
from pipeline.migrate import main, migrate, read_migrations, set_password
from pipeline.mistake import MistakeError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE things (n integer);")
    (tmp_path / "0002_two.sql").write_text("INSERT INTO things VALUES (1); -- 100 %s plain text\n")
    return tmp_path


def test_migrate_runs_each_file_once_and_in_order(postgres: Postgres, folder: Path):
    with postgres.connect(postgres.create()) as connection:
        assert migrate(connection, read_migrations(folder)) == ["0001_one", "0002_two"]
        assert migrate(connection, read_migrations(folder)) == []
        (folder / "0003_three.sql").write_text("INSERT INTO things VALUES (3);")
        assert migrate(connection, read_migrations(folder)) == ["0003_three"]
        assert connection.execute("SELECT n FROM things").fetchall() == [(1,), (3,)]


def test_migrate_refuses_a_file_that_changed_after_it_ran(postgres: Postgres, folder: Path):
    with postgres.connect(postgres.create()) as connection:
        migrate(connection, read_migrations(folder))
        (folder / "0001_one.sql").write_text("CREATE TABLE things (n bigint);")
        with pytest.raises(MistakeError, match=r"0001_one has run with checksum .* must not change"):
            migrate(connection, read_migrations(folder))


def test_migrate_refuses_a_database_that_is_ahead(postgres: Postgres, folder: Path):
    with postgres.connect(postgres.create()) as connection:
        migrate(connection, read_migrations(folder))
        with pytest.raises(MistakeError, match="has run 0002_two, which is not here"):
            migrate(connection, read_migrations(folder)[:1])


def test_migrate_leaves_nothing_of_a_file_that_fails(postgres: Postgres, folder: Path):
    (folder / "0002_two.sql").write_text("INSERT INTO things VALUES (1); INSERT INTO nowhere VALUES (1);")
    with postgres.connect(postgres.create()) as connection:
        with pytest.raises(errors.UndefinedTable):
            migrate(connection, read_migrations(folder))
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (0,)
        (folder / "0002_two.sql").write_text("INSERT INTO things VALUES (2);")
        assert migrate(connection, read_migrations(folder)) == ["0002_two"]


def test_migrate_twice_at_once_runs_each_file_once(postgres: Postgres, folder: Path):
    (folder / "0001_one.sql").write_text("SELECT pg_sleep(0.3); CREATE TABLE things (n integer);")
    name, ran = postgres.create(), []

    def work() -> None:
        with postgres.connect(name) as connection:
            ran.extend(migrate(connection, read_migrations(folder)))

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ran == ["0001_one", "0002_two"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"numbered \[\]"),
        (["0002_two.sql"], r"numbered \[2\]"),
        (["0001_one.sql", "0001_uno.sql"], r"numbered \[1, 1\]"),
        (["0001_one.sql", "0003_three.sql"], r"numbered \[1, 3\]"),
        (["0001_one.sql", "later.sql"], r"'later\.sql' is not named NNNN_name\.sql"),
    ],
)
def test_read_migrations_refuses_a_folder_with_gaps(tmp_path: Path, names: list[str], message: str):
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MistakeError, match=message):
        read_migrations(tmp_path)


def test_set_password_lets_a_role_in_and_shows_the_password_to_nobody(postgres: Postgres, database: str):
    settings = postgres.settings(database, "ingest")
    with connect(settings, session="read-write", application="test") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("ingest",)
    with postgres.connect() as connection:
        set_password(connection, "ingest", "only-for-tests")
        stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'ingest'").fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")


def test_main_makes_the_database_and_is_done_the_second_time(postgres: Postgres, caplog: pytest.LogCaptureFixture):
    environment = postgres.environment("made_by_main", "postgres")
    caplog.set_level("INFO")
    assert main(environment) == 0
    assert "made the database made_by_main" in caplog.text
    caplog.clear()
    assert main(environment) == 0
    assert "0 migrations ran now" in caplog.text


def test_main_says_what_is_wrong(postgres: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    environment = postgres.environment("never_made", "postgres")
    assert main({**environment, "MIGRATIONS_DIR": str(tmp_path / "no")}) == 2
    assert main({**environment, "DATABASE_HOSTS": ""}) == 2
    assert main({**environment, "INGEST_PASSWORD_FILE": str(tmp_path / "no")}) == 2
    assert main({**environment, "DATABASE_HOSTS": "127.0.0.1:1", "MIGRATE_TIMEOUT_SECONDS": "0"}) == 4
    assert "there is no folder" in caplog.text
    assert "DATABASE_HOSTS is empty" in caplog.text


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("recommender", "DELETE FROM plays"),
        ("recommender", "UPDATE plays SET song = song"),
        ("recommender", "INSERT INTO songs (hash, name, byte_count, instrument_set) VALUES ('x', 'x', 1, 1)"),
        ("recommender", "SELECT * FROM damaged_files"),
        ("recommender", "SELECT * FROM schema_migrations"),
        ("recommender", "CREATE TABLE mine (n integer)"),
        ("recommender", "CREATE TEMPORARY TABLE mine (n integer)"),
        ("ingest", "DELETE FROM songs"),
        ("ingest", "UPDATE songs SET name = 'x'"),
        ("ingest", "SELECT * FROM plays"),
        ("ingest", "UPDATE instruments SET name = 'x'"),
        ("ingest", "CREATE TABLE mine (n integer)"),
        ("ingest", "DROP TABLE songs"),
    ],
)
def test_roles_may_do_no_more_than_they_need(postgres: Postgres, database: str, role: str, statement: str):
    settings = postgres.settings(database, role)
    with (
        connect(settings, session="read-write", application="test") as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)  # type: ignore[call-overload]


def test_instruments_are_those_of_general_midi(postgres: Postgres, database: str):
    with postgres.connect(database) as connection:
        rows = connection.execute("SELECT code, name, family FROM instruments ORDER BY code").fetchall()
    assert [row[0] for row in rows] == list(range(129))
    assert rows[0] == (0, "Acoustic Grand Piano", "Piano")
    assert rows[24] == (24, "Acoustic Guitar (nylon)", "Guitar")
    assert rows[47] == (47, "Timpani", "Strings")
    assert rows[73] == (73, "Flute", "Pipe")
    assert rows[127] == (127, "Gunshot", "Sound Effects")
    assert rows[128] == (128, "Percussion", "Percussion")
    assert set(Counter(row[2] for row in rows[:128]).values()) == {8}


def test_connect_finds_the_member_that_lives(postgres: Postgres, database: str):
    settings = postgres.settings(database, "ingest")
    hosts = (("127.0.0.1", 1), ("no-such-host.invalid", 5432), *settings.hosts)
    with connect(settings, session="any", application="test", hosts=hosts, statement_timeout_ms=50) as connection:
        shown = connection.execute("SHOW statement_timeout").fetchone()
        assert shown == ("50ms",)
        with pytest.raises(errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(1)")
    with pytest.raises(psycopg.OperationalError):
        connect(settings, session="any", application="test", hosts=hosts[:2])
