from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from pipeline import load as loading
from pipeline.conftest import PACKAGE_FOLDER, QUICK_JAVA, Collector, Postgres
from pipeline.corpus import damaged, song, song_instruments, write_corpus
from pipeline.ingest import IngestSettings, ingest, main, open_batch
from pipeline.mistake import MistakeError
from pipeline.similarity import jaccard_distance

if TYPE_CHECKING:
    from pyspark import SparkContext

FILES = 120


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 songs, 4 damaged files, and one song twice."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, files=FILES, seed=1, damaged_files=4)
    name, content = song(1, 0)
    (folder / "copies").mkdir()
    (folder / "copies" / name).write_bytes(content)
    return folder


def settings_for(postgres: Postgres, database: str, folder: Path) -> IngestSettings:
    return IngestSettings(folder.as_uri(), "control", postgres.settings(database, "ingest"), 10)


def run(spark: SparkContext, settings: IngestSettings) -> loading.LoadCounts:
    batch = uuid4()
    with open_batch(settings, batch):
        return ingest(spark, settings, batch, begin=time.monotonic())


TABLES = (
    "songs",
    "song_instruments",
    "instrument_sets",
    "set_neighbours",
    "similar_songs",
    "instruments",
    "damaged_files",
)


def content(postgres: Postgres, database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything ingest writes but the batches."""
    with postgres.connect(database) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}


def test_ingest_fills_the_catalogue(spark: SparkContext, postgres: Postgres, database: str, corpus: Path):
    counts = run(spark, settings_for(postgres, database, corpus))
    sets = [song_instruments(1, index) for index in range(FILES)]
    assert (counts.files_ok, counts.files_damaged, counts.files_repeated) == (FILES + 1, 4, 1)
    assert (counts.songs_added, counts.songs_known, counts.sets_added) == (FILES, 0, len(set(sets)))
    with postgres.connect(database) as connection:
        rows = connection.execute("SELECT count(*), sum(song_count) FROM instruments WHERE song_count > 0").fetchone()
        assert rows == (len(set().union(*sets)), sum(map(len, sets)))
        pairs = connection.execute("SELECT count(*) FROM similar_songs").fetchone()
        large = [members for members in sets if len(members) >= 3]
        wanted = sum(jaccard_distance(a, b) < 0.5 for i, a in enumerate(large) for b in large[i + 1 :])
        assert pairs == (2 * wanted,)
        assert wanted > 0
        state = connection.execute("SELECT state, files_ok, files_damaged, error FROM ingest_batches").fetchall()
        assert state == [("succeeded", FILES + 1, 4, None)]
        reasons = dict(connection.execute("SELECT path, reason FROM damaged_files").fetchall())
        assert len(reasons) == 4
        assert reasons[str(corpus / damaged(1, 0)[0])] == "has 0 bytes, a header alone needs 14"


def test_ingest_of_the_same_folder_again_changes_nothing(
    spark: SparkContext, postgres: Postgres, database: str, corpus: Path
):
    settings = settings_for(postgres, database, corpus)
    run(spark, settings)
    before = content(postgres, database)
    counts = run(spark, settings)
    assert content(postgres, database) == before
    assert (counts.songs_added, counts.songs_known, counts.sets_added, counts.neighbours_added) == (0, FILES, 0, 0)
    assert _states(postgres, database) == ["succeeded", "succeeded"]


def test_ingest_in_two_folders_gives_the_catalogue_of_one(
    spark: SparkContext, postgres: Postgres, database: str, corpus: Path, tmp_path: Path
):
    for number, path in enumerate(sorted(corpus.rglob("*.mid"))):
        part = tmp_path / str(number % 2)
        part.mkdir(exist_ok=True)
        shutil.copyfile(path, part / path.name)
    run(spark, settings_for(postgres, database, tmp_path / "1"))
    run(spark, settings_for(postgres, database, tmp_path / "0"))
    whole = postgres.create_migrated()
    run(spark, settings_for(postgres, whole, corpus))
    query = "SELECT song, other, distance FROM similar_songs ORDER BY 1, 2"
    with postgres.connect(database) as one, postgres.connect(whole) as other:
        assert one.execute(query).fetchall() == other.execute(query).fetchall()
        query = "SELECT code, song_count FROM instruments ORDER BY 1"
        assert one.execute(query).fetchall() == other.execute(query).fetchall()


def test_ingest_forgets_damage_that_was_mended(spark: SparkContext, postgres: Postgres, database: str, tmp_path: Path):
    settings = settings_for(postgres, database, tmp_path)
    (tmp_path / "a.mid").write_bytes(song(1, 0)[1])
    (tmp_path / "b.mid").write_bytes(b"MThd")
    run(spark, settings)
    (tmp_path / "b.mid").write_bytes(song(1, 1)[1])
    run(spark, settings)
    found = content(postgres, database)
    assert found["damaged_files"] == []
    assert len(found["songs"]) == 2


def test_load_asks_for_neighbours_again_when_another_ingest_was_quicker(
    spark: SparkContext, postgres: Postgres, database: str, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = settings_for(postgres, database, corpus)
    known, meddled = loading.read_known_sets, []
    own = next(song_instruments(1, index) for index in range(FILES) if len(song_instruments(1, index)) > 5)
    others = sorted(own[:-1])

    def read_and_then_somebody_adds(connection: loading.Connection) -> loading.KnownSets:
        found = known(connection)
        if not meddled:
            meddled.append(True)
            with postgres.connect(database) as other:
                other.execute("INSERT INTO instrument_sets (members) VALUES (%s)", (others,))
        return found

    monkeypatch.setattr(loading, "read_known_sets", read_and_then_somebody_adds)
    assert run(spark, settings).songs_added == FILES
    with postgres.connect(database) as connection:
        row = connection.execute(
            "SELECT count(*) FROM set_neighbours near JOIN instrument_sets one ON one.id = near.instrument_set "
            "JOIN instrument_sets other ON other.id = near.neighbour WHERE one.members = %s AND other.members = %s",
            (others, list(own)),
        ).fetchone()
    assert row == (1,)


def test_load_again_after_a_lost_answer_tells_the_first_counts(
    spark: SparkContext, postgres: Postgres, database: str, corpus: Path
):
    settings, batch = settings_for(postgres, database, corpus), uuid4()
    with open_batch(settings, batch):
        first = ingest(spark, settings, batch, begin=time.monotonic())
        again = ingest(spark, settings, batch, begin=time.monotonic())
    assert again == first


def test_open_batch_waits_for_a_running_ingest_and_buries_a_dead_one(postgres: Postgres, database: str, tmp_path: Path):
    settings = settings_for(postgres, database, tmp_path)
    dead, alive = uuid4(), uuid4()
    open_batch(settings, dead).close()
    with open_batch(settings, alive), postgres.connect(database) as connection:
        states = dict(connection.execute("SELECT id, state FROM ingest_batches").fetchall())
        assert states == {dead: "abandoned", alive: "running"}
        with settings.connect() as other:
            assert other.execute("SELECT pg_try_advisory_lock(7110001)").fetchone() == (False,)


def test_ingest_marks_a_batch_failed(spark: SparkContext, postgres: Postgres, database: str, tmp_path: Path):
    settings, batch = settings_for(postgres, database, tmp_path), uuid4()
    with open_batch(settings, batch), pytest.raises(MistakeError) as refusal:
        ingest(spark, settings, batch, begin=time.monotonic())
    with settings.connect() as connection:
        loading.mark_failed(connection, batch, str(refusal.value))
        row = connection.execute("SELECT state, error, finished_at >= started_at FROM ingest_batches").fetchone()
    assert row == ("failed", str(refusal.value), True)


# From here on the program as it runs in a pod, with a Spark of its own.


def start(
    postgres: Postgres, database: str, input_uri: str, master: str = "local[1]", **more: str
) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        **postgres.environment(database, "ingest"),
        "INGEST_INPUT": input_uri,
        "GROUP": "control",
        "PYSPARK_SUBMIT_ARGS": f"--master {master} {QUICK_JAVA} pyspark-shell",
        "PYTHONPATH": str(PACKAGE_FOLDER),
        "PYSPARK_PYTHON": sys.executable,
        **more,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.ingest"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_main_killed_in_the_middle_of_a_batch_leaves_nothing_and_the_next_one_completes_it(
    postgres: Postgres, database: str, corpus: Path
):
    with postgres.connect(database) as blocker:
        with blocker.transaction():
            blocker.execute("LOCK TABLE song_instruments IN ACCESS EXCLUSIVE MODE")
            process = start(postgres, database, corpus.as_uri())

            def loads_song_instruments() -> bool:
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'song_instruments'::regclass"
                assert process.poll() is None
                return blocker.execute(waiting).fetchone() == (1,)

            wait_until(loads_song_instruments)
            process.send_signal(signal.SIGKILL)
            process.wait()
        wait_until(lambda: _sessions_of_ingest(postgres, database) == 0)
        assert content(postgres, database)["songs"] == []
        assert _states(postgres, database) == ["running"]

    process = start(postgres, database, corpus.as_uri())
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert "songs_added=120" in told
    assert _states(postgres, database) == ["abandoned", "succeeded"]
    assert len(content(postgres, database)["songs"]) == FILES


def test_main_traces_a_batch_from_the_driver_to_each_partition(
    postgres: Postgres, database: str, corpus: Path, collector: Collector
):
    process = start(postgres, database, corpus.as_uri(), master="local[2]", **collector.environment())
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    root = collector.span("ingest batch")
    assert {span["traceId"] for span in collector.spans} == {root["traceId"]}
    assert f"trace {root['traceId']}" in told
    stages = sorted(
        (span for span in collector.spans if span.get("parentId") == root["id"]), key=itemgetter("timestamp")
    )
    assert [stage["name"] for stage in stages] == [
        "start Spark",
        "wait for the database",
        "extract",
        "transform",
        "read known sets",
        "similarity",
        "load",
    ]
    partitions = {stage["name"]: below for stage in stages if (below := _children(collector, stage))}
    assert {name: {span["name"] for span in below} for name, below in partitions.items()} == {
        "extract": {"read files"},
        "similarity": {"compare bands"},
    }
    read = partitions["extract"]
    assert sorted(span["tags"]["spark.partition"] for span in read) == ["0", "1"]
    assert sum(int(span["tags"]["spark.rows"]) for span in read) == FILES + 5
    assert root["tags"].items() >= {"ingest.songs_added": str(FILES), "ingest.files_damaged": "4"}.items()
    assert collector.events == []


def _children(collector: Collector, parent: dict[str, Any]) -> list[dict[str, Any]]:
    return [span for span in collector.spans if span.get("parentId") == parent["id"]]


def test_main_reports_a_batch_that_failed_with_what_it_met_before(
    postgres: Postgres, database: str, corpus: Path, collector: Collector
):
    with postgres.connect(database) as connection:
        connection.execute("REVOKE INSERT ON songs FROM ingest")
    process = start(postgres, database, corpus.as_uri(), **collector.environment())
    _, told = process.communicate(timeout=120)
    assert process.returncode == 4, told
    (event,) = collector.events
    root = collector.span("ingest batch")
    assert event["contexts"]["trace"] == {"trace_id": root["traceId"], "span_id": root["id"]}
    assert event["fingerprint"] == ["InsufficientPrivilege", "ingest: load"]
    assert event["tags"].items() >= {"service": "ingest", "group": "control"}.items()
    crumbs = {crumb["message"]: crumb["data"] for crumb in event["breadcrumbs"]["values"]}
    assert crumbs["damaged files"]["files"] == 4
    assert crumbs["damaged files"]["reason 1"] == "1 x has N bytes, a header alone needs N"
    assert "similarity" in crumbs
    assert "error" in collector.span("load")["tags"]
    assert _states(postgres, database) == ["failed"]


def test_main_tells_a_mistake_in_one_line_and_fails_the_batch(postgres: Postgres, database: str):
    process = start(postgres, database, "file:///no/such/folder")
    _, told = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "Cannot read '/no/such/folder': there is no such folder" in told
    assert "Traceback" not in told
    assert _states(postgres, database) == ["failed"]


def test_main_fails_the_batch_when_spark_does_not_start(postgres: Postgres, database: str, corpus: Path):
    process = start(postgres, database, corpus.as_uri(), master="nonsense")
    _, told = process.communicate(timeout=120)
    assert process.returncode == 4
    assert "Cannot start Spark" in told
    assert _states(postgres, database) == ["failed"]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "INGEST_INPUT is empty"),
        ({"INGEST_INPUT": "file:///c"}, "DATABASE_HOSTS is empty"),
        ({"INGEST_INPUT": "file:///c", "DATABASE_HOSTS": "a:b"}, "Cannot read 'a:b' of DATABASE_HOSTS"),
        ({"INGEST_INPUT": "file:///c", "DATABASE_HOSTS": "a:70000"}, "port 1 to 65535"),
        ({"INGEST_INPUT": "file:///c", "DATABASE_HOSTS": "a", "SENTRY_DSN": "x"}, "SENTRY_DSN is malformed"),
        ({"INGEST_INPUT": "file:///c", "DATABASE_TIMEOUT_SECONDS": "soon"}, "DATABASE_TIMEOUT_SECONDS 'soon'"),
    ],
)
def test_main_refuses_variables_that_are_wrong(
    environment: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(environment) == 2
    assert message in capsys.readouterr().err


def _states(postgres: Postgres, database: str) -> list[str]:
    with postgres.connect(database) as connection:
        return [row[0] for row in connection.execute("SELECT state FROM ingest_batches ORDER BY started_at").fetchall()]


def _sessions_of_ingest(postgres: Postgres, database: str) -> int:
    with postgres.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = 'ingest'", (database,)
        ).fetchone()
    return row[0] if row else 0
