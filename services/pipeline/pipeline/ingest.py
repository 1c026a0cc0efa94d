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
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
from psycopg import errors

from pipeline import load as loading
from pipeline.database import Connection, DatabaseSettings, connect, first_line, with_writable_database
from pipeline.extract import extract
from pipeline.mistake import MistakeError
from pipeline.similarity import find_neighbours
from pipeline.spark import start_spark
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


def ingest(spark: SparkContext, settings: IngestSettings, batch: UUID, *, begin: float) -> loading.LoadCounts:
    """
    Runs one batch that has been opened.

    :param begin: `time.monotonic()` when the batch began
    """
    records = extract(spark, settings.input_uri, tasks_at_least=spark.defaultParallelism)
    catalogue = to_catalogue(records)
    log.info("read %d files, %d damaged, %.1f s", len(records), len(catalogue.damaged), time.monotonic() - begin)
    while True:
        try:
            return _find_and_load(spark, settings, batch, catalogue, begin=begin)
        except loading.CatalogueMovedError:
            log.info("another ingest changed the catalogue meanwhile; finding neighbours again")


def _find_and_load(
    spark: SparkContext, settings: IngestSettings, batch: UUID, catalogue: Catalogue, *, begin: float
) -> loading.LoadCounts:
    in_database = partial(with_writable_database, settings.connect, timeout_seconds=settings.database_timeout_seconds)
    known: loading.KnownSets = in_database(loading.read_known_sets)
    new = catalogue.instrument_sets() - known.members
    neighbours = find_neighbours(spark, known.members, sorted(new), tasks=spark.defaultParallelism)
    log.info("%d new sets, %d pairs of sets, %.1f s", len(new), len(neighbours), time.monotonic() - begin)
    return in_database(
        lambda connection: loading.load(connection, batch, catalogue, neighbours, known=known, begin=begin)
    )


def open_batch(settings: IngestSettings, batch: UUID) -> Connection:
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
            time.sleep(0.5)


def main(environment: Mapping[str, str]) -> int:
    begin = time.monotonic()
    try:
        settings = IngestSettings.from_environment(environment)
    except MistakeError as mistake:
        print(mistake, file=sys.stderr)
        return EXIT_MISTAKE
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s ingest group={settings.group} %(message)s", stream=sys.stderr
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    batch = uuid4()
    try:
        with ThreadPoolExecutor(1) as beside:
            opening = beside.submit(open_batch, settings, batch)
            try:
                spark = start_spark()
            except Exception as error:
                log.exception("Cannot start Spark")
                with opening.result() as connection:
                    loading.mark_failed(connection, batch, f"Cannot start Spark: {first_line(error)}")
                return EXIT_FAILED
            log.info("Spark %s is up, %.1f s", spark.version, time.monotonic() - begin)
            try:
                with opening.result():
                    return _run(spark, settings, batch, begin)
            finally:
                spark.stop()
    except psycopg.Error as error:
        log.error("Cannot reach the database: %s", first_line(error))
        return EXIT_FAILED


def _run(spark: SparkContext, settings: IngestSettings, batch: UUID, begin: float) -> int:
    try:
        counts = ingest(spark, settings, batch, begin=begin)
    except Exception as error:
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
    told = " ".join(f"{key}={value}" for key, value in asdict(counts).items())
    log.info("done in %.1f s: %s", time.monotonic() - begin, told)
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main(os.environ))
