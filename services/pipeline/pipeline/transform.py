"""Transform: file records become rows of the catalogue. Pure; the same records give the same rows in any order."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.extract import FileRecord, song_name
from pipeline.similarity import InstrumentSet


class SongRow(NamedTuple):
    hash: str
    name: str
    byte_count: int
    instruments: InstrumentSet


class DamagedRow(NamedTuple):
    path: str
    hash: str | None
    reason: str


class Catalogue(NamedTuple):
    """What one batch says, each list sorted and without repetition."""

    songs: list[SongRow]
    damaged: list[DamagedRow]
    sound_paths: list[str]
    """Files that are in order; one of them may have been damaged in an earlier batch."""
    repeated: int
    """Files with the same bytes as another one; the song has the name that sorts first."""

    def instrument_sets(self) -> set[InstrumentSet]:
        return {song.instruments for song in self.songs}


def to_catalogue(records: Iterable[FileRecord]) -> Catalogue:
    songs: dict[str, SongRow] = {}
    damaged: list[DamagedRow] = []
    sound_paths: list[str] = []
    for record in sorted(records, key=lambda record: record.path):
        path = _printable(record.path)
        if record.instruments is None or record.hash is None:
            damaged.append(DamagedRow(path, record.hash, record.reason or "is damaged"))
            continue
        sound_paths.append(path)
        row = SongRow(record.hash, song_name(record.path), record.byte_count, record.instruments)
        songs.setdefault(record.hash, row)
    return Catalogue(
        songs=[songs[key] for key in sorted(songs)],
        damaged=damaged,
        sound_paths=sound_paths,
        repeated=len(sound_paths) - len(songs),
    )


_PATH_BYTES = 1_500
"""An index entry of Postgres holds at most 2,700 bytes."""


def _printable(path: str) -> str:
    """A path whose bytes are not UTF-8, or that is very long, still fits a text column and stays different."""
    written = os.fsencode(path).decode("utf-8", "backslashreplace")
    if len(written.encode()) <= _PATH_BYTES:
        return written
    mark = hashlib.sha256(written.encode()).hexdigest()[:16]
    return f"{written.encode()[:_PATH_BYTES].decode('utf-8', 'ignore')}...{mark}"
