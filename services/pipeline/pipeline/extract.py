"""Extract: MIDI files of a folder, read and understood on the executors, one small record a file.

Files of a mounted folder are opened by the Python workers themselves. Anything else (s3a://, hdfs://) goes through
Spark's binaryFile source. `SparkContext.binaryFiles` is not used: it serialises and compresses Hadoop's whole
configuration for every file, 50 ms each.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from pipeline.midi import MAX_FILE_BYTES, DamagedMidi, read_instruments
from pipeline.mistake import MistakeError
from pipeline.spark import OnExecutors, unseen

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame

MIDI_SUFFIXES = (".mid", ".midi")
_FILES_PER_TASK = 256
_NAME_CHARACTERS = 255


class FileRecord(NamedTuple):
    """What is known of one file. Damaged ones have a reason and no instruments."""

    path: str
    hash: str | None
    """MD5 of the bytes, hexadecimal; None when they could not be read."""
    byte_count: int
    instruments: tuple[int, ...] | None
    reason: str | None


def extract(
    spark: SparkContext, input_uri: str, *, tasks_at_least: int, on_executors: OnExecutors = unseen
) -> list[FileRecord]:
    """
    Reads all MIDI files under `input_uri`, sorted by path.

    :param on_executors: is put around the reading of each partition
    :raises MistakeError: when it is no URI of a folder, or there is no MIDI file
    """
    parts = urlsplit(input_uri)
    if not parts.scheme:
        raise MistakeError(f"Cannot read '{input_uri}': it has no scheme; write file:///folder or s3a://bucket/folder")
    if parts.scheme == "file":
        if parts.netloc:
            raise MistakeError(f"Cannot read '{input_uri}': write file:/// with three slashes and an absolute path")
        records = read_mounted(spark, unquote(parts.path), tasks_at_least=tasks_at_least, on_executors=on_executors)
    else:
        records = read_with_spark(spark, input_uri, on_executors)
    if not records:
        raise MistakeError(f"Cannot ingest '{input_uri}': there is no {' or '.join(MIDI_SUFFIXES)} file in it")
    return sorted(records)


def read_mounted(
    spark: SparkContext, folder: str, *, tasks_at_least: int, on_executors: OnExecutors = unseen
) -> list[FileRecord]:
    """Reads a folder that driver and executors see at the same place."""
    if not os.path.isdir(folder):
        raise MistakeError(f"Cannot read '{folder}': there is no such folder")
    paths = sorted(_midi_paths(folder))
    if not paths:
        return []
    tasks = max(tasks_at_least, -(-len(paths) // _FILES_PER_TASK))
    work = on_executors("read files", _read_paths)
    records = spark.parallelize(paths, min(tasks, len(paths))).mapPartitions(work).collect()
    if all(record.hash is None and record.reason == _GONE for record in records):
        raise MistakeError(f"Cannot read '{folder}': the executors do not see its files; mount it there, too")
    return records


def read_with_spark(spark: SparkContext, input_uri: str, on_executors: OnExecutors = unseen) -> list[FileRecord]:
    """
    Reads a folder of any file system that Hadoop knows. Files over the limit are listed and not read.

    :raises MistakeError: when there is no such folder
    :raises OSError: when it cannot be listed, with the store's own reason
    """
    files = _list_with_spark(spark, input_uri)
    read = (
        files.where(files["length"] <= MAX_FILE_BYTES)
        .select("path", "content")
        .rdd.mapPartitions(on_executors("read files", _understand_rows))
        .collect()
    )
    too_large = [
        _too_large(row[0], row[1])
        for row in files.where(files["length"] > MAX_FILE_BYTES).select("path", "length").collect()
        if is_midi_path(row[0])
    ]
    # Spark makes no task for a file without bytes and so never shows it; the listing does.
    seen = {record.path for record in (*read, *too_large)}
    listed = (unquote(re.sub("^file:/+", "file:/", uri)) for uri in files.inputFiles())
    empty = [understand(path, b"") for path in listed if is_midi_path(path) and path not in seen]
    return [*read, *too_large, *empty]


def _list_with_spark(spark: SparkContext, input_uri: str) -> DataFrame:
    # Spark SQL costs a second that a mounted folder need not pay.
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415
    from pyspark.errors import AnalysisException  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    reader = SparkSession(spark).read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        return reader.option("pathGlobFilter", "*.[mM][iI][dD]*").load(input_uri)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise MistakeError(f"Cannot read '{input_uri}': there is no such folder") from error
    except Py4JJavaError as error:
        reason = str(error.java_exception.toString()).split("\n", 1)[0]
        raise OSError(f"Cannot read '{input_uri}': {reason}") from error


def is_midi_path(path: str) -> bool:
    return path.lower().endswith(MIDI_SUFFIXES)


def song_name(path: str) -> str:
    """The file's name without folder and suffix, with what a database or a page cannot show replaced."""
    name = PurePosixPath(path).stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in name)[:_NAME_CHARACTERS]


def understand(path: str, data: bytes) -> FileRecord:
    """The record of a file whose bytes are at hand."""
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    try:
        return FileRecord(path, digest, len(data), read_instruments(data), None)
    except DamagedMidi as damage:
        return FileRecord(path, digest, len(data), None, damage.reason)


_GONE = "was gone when it was to be read"


def _midi_paths(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            if is_midi_path(name):
                yield os.path.join(parent, name)


def _understand_rows(rows: Iterable[tuple[str, bytearray]]) -> Iterator[FileRecord]:
    return (understand(path, bytes(data)) for path, data in rows if is_midi_path(path))


def _read_paths(paths: Iterable[str]) -> Iterator[FileRecord]:
    return (_read_path(path) for path in paths)


def _read_path(path: str) -> FileRecord:
    """Trouble with one file is that file's reason; trouble of the disk is raised, and Spark tries the task again."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return FileRecord(path, None, 0, None, "is not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            return _too_large(path, status.st_size)
        with open(path, "rb") as file:
            return understand(path, file.read(MAX_FILE_BYTES + 1))
    except FileNotFoundError:
        return FileRecord(path, None, 0, None, _GONE)
    except PermissionError:
        return FileRecord(path, None, 0, None, "may not be read: permission denied")


def _too_large(path: str, byte_count: int) -> FileRecord:
    return FileRecord(path, None, byte_count, None, f"has {byte_count} bytes, more than the limit of {MAX_FILE_BYTES}")
