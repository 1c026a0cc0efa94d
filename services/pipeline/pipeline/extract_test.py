from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.corpus import song, song_instruments, write_corpus
from pipeline.extract import FileRecord, extract, read_with_spark, song_name
from pipeline.midi import MAX_FILE_BYTES
from pipeline.mistake import MistakeError

if TYPE_CHECKING:
    from pyspark import SparkContext


def test_extract_knows_every_midi_file_below_a_folder(spark: SparkContext, tmp_path: Path):
    write_corpus(tmp_path / "deep" / "er", files=5, seed=1)
    (tmp_path / "LOUD.MIDI").write_bytes(song(2, 0)[1])
    (tmp_path / "notes.txt").write_text("not music")
    records = extract(spark, tmp_path.as_uri(), tasks_at_least=2)
    assert records[0] == FileRecord(
        str(tmp_path / "LOUD.MIDI"),
        hashlib.md5(song(2, 0)[1]).hexdigest(),
        len(song(2, 0)[1]),
        song_instruments(2, 0),
        None,
    )
    assert {record.instruments for record in records[1:]} == {song_instruments(1, index) for index in range(5)}


def test_extract_gives_a_reason_for_each_file_it_cannot_read(spark: SparkContext, tmp_path: Path):
    (tmp_path / "good.mid").write_bytes(song(1, 0)[1])
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    os.mkfifo(tmp_path / "pipe.mid")
    (tmp_path / "link.mid").symlink_to(tmp_path / "nowhere.mid")
    with open(tmp_path / "huge.mid", "wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    reasons = {Path(record.path).name: record.reason for record in extract(spark, tmp_path.as_uri(), tasks_at_least=1)}
    assert reasons == {
        "good.mid": None,
        "broken.mid": "has 4 bytes, a header alone needs 14",
        "pipe.mid": "is not a regular file",
        "link.mid": "was gone when it was to be read",
        "huge.mid": f"has {MAX_FILE_BYTES + 1} bytes, more than the limit of {MAX_FILE_BYTES}",
    }


def test_read_with_spark_finds_what_reading_a_mounted_folder_finds(spark: SparkContext, tmp_path: Path):
    write_corpus(tmp_path / "deep", files=6, seed=4, damaged_files=2)
    (tmp_path / "LOUD 100%.MIDI").write_bytes(song(2, 0)[1])
    (tmp_path / "notes.midx").write_text("not music")
    (tmp_path / "empty one.mid").touch()
    with open(tmp_path / "huge.mid", "wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    def without_folder(records: list[FileRecord]) -> list[FileRecord]:
        return sorted((record._replace(path=Path(record.path).name) for record in records), key=lambda each: each.path)

    mounted = extract(spark, tmp_path.as_uri(), tasks_at_least=1)
    assert len(mounted) == 11
    assert without_folder(read_with_spark(spark, tmp_path.as_uri())) == without_folder(mounted)


def test_read_with_spark_refuses_a_folder_that_is_not_there(spark: SparkContext, tmp_path: Path):
    with pytest.raises(MistakeError, match="there is no such folder"):
        read_with_spark(spark, (tmp_path / "nowhere").as_uri())


def test_read_with_spark_tells_the_reason_of_a_store_it_cannot_read(spark: SparkContext):
    with pytest.raises(OSError, match=r"^Cannot read 'nonsense://bucket': .*No FileSystem for scheme") as failure:
        read_with_spark(spark, "nonsense://bucket")
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("/corpus", "has no scheme"),
        ("file://corpus/small", "three slashes"),
        ("file:///no/such/folder", "no such folder"),
    ],
)
def test_extract_refuses_an_input_that_is_no_folder(spark: SparkContext, uri: str, message: str):
    with pytest.raises(MistakeError, match=message):
        extract(spark, uri, tasks_at_least=1)


def test_extract_refuses_a_folder_without_midi_files(spark: SparkContext, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("not music")
    with pytest.raises(MistakeError, match=r"no \.mid or \.midi file"):
        extract(spark, tmp_path.as_uri(), tasks_at_least=1)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b/slow river.mid", "slow river"),
        ("/a/b.c.midi", "b.c"),
        ("s3a://bucket/a.MID", "a"),
        ("/a/bell\a\n.mid", "bell\ufffd\ufffd"),
        ("/a/\udcff.mid", "\ufffd"),
        ("/a/" + "x" * 300 + ".mid", "x" * 255),
    ],
)
def test_song_name_is_the_file_name_made_printable(path: str, name: str):
    assert song_name(path) == name
