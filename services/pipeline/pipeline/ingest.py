"""Ingest: a folder of MIDI files into the catalogue of one group, as one batch. `python -m pipeline.ingest`

    INGEST_INPUT -> extract (executors) -> transform -> neighbours (executors) -> load (one transaction)

Variables: INGEST_INPUT, DATABASE_HOSTS, DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD_FILE,
DATABASE_TIMEOUT_SECONDS, GROUP; the README says what they mean. Where Spark runs (master, executors, image, namespace)
comes from `$SPARK_CONF_DIR/spark-defaults.conf` or PYSPARK_SUBMIT_ARGS; without any it runs in local mode.

In a cluster this is the driver, in client mode: master k8s://https://kubernetes.default.svc, its own address as
spark.driver.host. The executors run the same image and see the input at the same URI. While the database is not there
yet, or fails over, it is tried again for DATABASE_TIMEOUT_SECONDS; Spark starts meanwhile.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
from psycopg import errors

from pipeline import load as loading
from pipeline.batch_telemetry import BatchTelemetry
from pipeline.database import Connection, DatabaseSettings, connect, first_line, with_writable_database
from pipeline.extract import extract
from pipeline.mistake import MistakeError
from pipeline.similarity import find_neighbours
from pipeline.spark import start_spark
from pipeline.telemetry import Telemetry, start_telemetry
from pipeline.transform import Catalogue, to_catalogue

if TYPE_CHECKING:
    from pyspark import SparkContext

log = logging.getLogger("ingest")

EXIT_DONE, EXIT_MISTAKE, EXIT_FAILED = 0, 2, 4


@dataclass(frozen=True, slots=True)
class IngestSettings:
    input_uri: str
    group: str
    database: DatabaseSettings
    database_timeout_seconds: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> IngestSettings:
        """:raises MistakeError: when a variable is missing or malformed"""
        input_uri = environment.get("INGEST_INPUT")
        if not input_uri:
            raise MistakeError("Cannot ingest: INGEST_INPUT is empty; give a folder as URI, file:///... or s3a://...")
        seconds = environment.get("DATABASE_TIMEOUT_SECONDS") or "60"
        if not seconds.isdecimal():
            raise MistakeError(f"Cannot read DATABASE_TIMEOUT_SECONDS '{seconds}': expected a number of seconds")
        return cls(
            input_uri=input_uri,
            group=environment.get("GROUP") or "",
            database=DatabaseSettings.from_environment(environment, user="ingest"),
            database_timeout_seconds=float(seconds),
        )

    def connect(self) -> Connection:
        return connect(self.database, session="read-write", application="ingest")


UNSEEN = BatchTelemetry(Telemetry(None, None), "ingest batch", {})


def ingest(
    spark: SparkContext, settings: IngestSettings, batch: UUID, *, begin: float, seen: BatchTelemetry = UNSEEN
) -> loading.LoadCounts:
    """
    Runs one batch that has been opened.

    :param begin: `time.monotonic()` when the batch began
    """
    with seen.stage("extract") as stage:
        records = extract(
            spark, settings.input_uri, tasks_at_least=spark.defaultParallelism, on_executors=stage.on_executors
        )
        stage.set(files=len(records))
    with seen.stage("transform") as stage:
        catalogue = to_catalogue(records)
        stage.set(songs=len(catalogue.songs), damaged=len(catalogue.damaged))
    _note_damage(seen, catalogue)
    log.info("read %d files, %d damaged, %.1f s", len(records), len(catalogue.damaged), time.monotonic() - begin)
    while True:
        try:
            return _find_and_load(spark, settings, batch, catalogue, begin=begin, seen=seen)
        except loading.CatalogueMovedError:
            log.info("another ingest changed the catalogue meanwhile; finding neighbours again")
            seen.note("another ingest changed the catalogue meanwhile")


def _note_damage(seen: BatchTelemetry, catalogue: Catalogue) -> None:
    """How many files are damaged, and the reasons met most; a number in a reason is no reason of its own."""
    if catalogue.damaged:
        reasons = Counter(re.sub(r"\d+", "N", row.reason) for row in catalogue.damaged)
        told = {f"reason {place}": f"{count} x {reason}"[:200] for place, (reason, count) in _most_common(reasons)}
        seen.note("damaged files", files=len(catalogue.damaged), **told)


def _most_common(reasons: Counter[str]) -> list[tuple[int, tuple[str, int]]]:
    return list(enumerate(reasons.most_common(5), 1))


def _find_and_load(  # noqa: PLR0913 - one batch, and what it is done with
    spark: SparkContext,
    settings: IngestSettings,
    batch: UUID,
    catalogue: Catalogue,
    *,
    begin: float,
    seen: BatchTelemetry,
) -> loading.LoadCounts:
    in_database = partial(
        with_writable_database,
        settings.connect,
        timeout_seconds=settings.database_timeout_seconds,
        on_retry=lambda error: seen.note("the database is not writable yet", reason=first_line(error)),
    )
    with seen.stage("read known sets") as stage:
        known: loading.KnownSets = in_database(loading.read_known_sets)
        stage.set(sets=len(known.members))
    new = catalogue.instrument_sets() - known.members
    with seen.stage("similarity") as stage:
        neighbours = find_neighbours(
            spark, known.members, sorted(new), tasks=spark.defaultParallelism, on_executors=stage.on_executors
        )
        stage.set(new_sets=len(new), pairs=len(neighbours))
    log.info("%d new sets, %d pairs of sets, %.1f s", len(new), len(neighbours), time.monotonic() - begin)
    with seen.stage("load") as stage:
        counts: loading.LoadCounts = in_database(
            lambda connection: loading.load(connection, batch, catalogue, neighbours, known=known, begin=begin)
        )
        stage.set(songs_added=counts.songs_added, neighbours_added=counts.neighbours_added)
    return counts


def open_batch(settings: IngestSettings, batch: UUID, seen: BatchTelemetry = UNSEEN) -> Connection:
    """Opens the batch, waiting for the database and its schema. The connection holds a lock: keep it to the end."""
    deadline = time.monotonic() + settings.database_timeout_seconds
    while True:
        try:
            connection = settings.connect()
            try:
                loading.open_batch(connection, batch, settings.input_uri)
            except BaseException:
                connection.close()
                raise
            return connection
        except (psycopg.OperationalError, errors.UndefinedTable, errors.InsufficientPrivilege) as error:
            if time.monotonic() > deadline:
                raise
            log.info("the database is not ready yet: %s", first_line(error))
            seen.note("the database is not ready yet", reason=first_line(error))
            time.sleep(0.5)


def main(environment: Mapping[str, str]) -> int:
    begin = time.monotonic()
    try:
        settings = IngestSettings.from_environment(environment)
        telemetry = start_telemetry(environment, service="ingest")
    except MistakeError as mistake:
        print(mistake, file=sys.stderr)
        return EXIT_MISTAKE
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s ingest group={settings.group} %(message)s", stream=sys.stderr
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    try:
        return _run_batch(
            settings, BatchTelemetry(telemetry, "ingest batch", {"ingest.input": settings.input_uri}), begin
        )
    finally:
        telemetry.stop()


def _run_batch(settings: IngestSettings, seen: BatchTelemetry, begin: float) -> int:
    batch = uuid4()
    if seen.trace_id:
        log.info("batch %s, trace %s", batch, seen.trace_id)
    try:
        with ThreadPoolExecutor(1) as beside:
            opening = beside.submit(open_batch, settings, batch, seen)
            try:
                with seen.stage("start Spark"):
                    spark = start_spark()
            except Exception as error:
                log.exception("Cannot start Spark")
                seen.failed(error)
                with opening.result() as connection:
                    loading.mark_failed(connection, batch, f"Cannot start Spark: {first_line(error)}")
                return EXIT_FAILED
            log.info("Spark %s is up, %.1f s", spark.version, time.monotonic() - begin)
            try:
                with seen.stage("wait for the database"):
                    opened = opening.result()
                with opened:
                    return _run(spark, settings, batch, begin, seen)
            finally:
                spark.stop()
    except psycopg.Error as error:
        log.error("Cannot reach the database: %s", first_line(error))
        seen.failed(error)
        return EXIT_FAILED


def _run(spark: SparkContext, settings: IngestSettings, batch: UUID, begin: float, seen: BatchTelemetry) -> int:
    try:
        counts = ingest(spark, settings, batch, begin=begin, seen=seen)
    except Exception as error:
        # Told before it is written down: the database may be what failed.
        seen.failed(error)
        reason = first_line(error)
        with_writable_database(
            settings.connect,
            lambda connection: loading.mark_failed(connection, batch, reason),
            timeout_seconds=settings.database_timeout_seconds,
        )
        if isinstance(error, MistakeError):
            log.error("%s", error)
            return EXIT_MISTAKE
        log.exception("Cannot ingest '%s'", settings.input_uri)
        return EXIT_FAILED
    seen.end(**asdict(counts))
    told = " ".join(f"{key}={value}" for key, value in asdict(counts).items())
    log.info("done in %.1f s: %s", time.monotonic() - begin, told)
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main(os.environ))
