"""Load: one batch into Postgres in one transaction, so that a reader sees all of it or nothing.

Running it again with the same batch or the same files changes nothing: rows are merged by their keys. A process that is
killed leaves a batch in state `running` and not a single row of it; the next one to begin marks it `abandoned`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from pipeline.database import Connection, in_transaction
from pipeline.similarity import InstrumentSet, Neighbours
from pipeline.transform import Catalogue

log = logging.getLogger(__name__)

# Names of the advisory locks, any numbers that nothing else in this database uses.
_ONE_INGEST = 7_110_001
_ONE_LOAD = 7_110_002


class KnownSets(NamedTuple):
    """The instrument sets of the catalogue, as they were when `newest_id` was the last one."""

    newest_id: int
    members: set[InstrumentSet]


class CatalogueMovedError(Exception):
    """Another ingest added instrument sets since they were read: neighbours have to be found again."""


@dataclass(frozen=True, slots=True)
class LoadCounts:
    files_ok: int
    files_damaged: int
    files_repeated: int
    songs_added: int
    songs_known: int
    sets_added: int
    neighbours_added: int


def open_batch(connection: Connection, batch: UUID, input_uri: str) -> None:
    """Records that a batch has begun. Batches that began and whose process is gone are marked `abandoned`."""
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (_ONE_INGEST,)).fetchone() == (False,):
        log.info("another ingest is running on this database; waiting for it")
        connection.execute("SELECT pg_advisory_lock(%s)", (_ONE_INGEST,))
    with connection.transaction():
        connection.execute(
            "UPDATE ingest_batches SET state = 'abandoned', finished_at = clock_timestamp() "
            "WHERE state = 'running' AND id <> %s",
            (batch,),
        )
        connection.execute(
            "INSERT INTO ingest_batches (id, input) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", (batch, input_uri)
        )


def read_known_sets(connection: Connection) -> KnownSets:
    rows = connection.execute("SELECT id, members FROM instrument_sets").fetchall()
    return KnownSets(max((row[0] for row in rows), default=0), {tuple(row[1]) for row in rows})


def load(  # noqa: PLR0913 - one batch and what it was computed against
    connection: Connection,
    batch: UUID,
    catalogue: Catalogue,
    neighbours: Iterable[Neighbours],
    *,
    known: KnownSets,
    begin: float,
) -> LoadCounts:
    """
    Merges the batch into the catalogue and marks it `succeeded`, in one transaction.

    :param known: the sets that `neighbours` was computed against
    :param begin: `time.monotonic()` when the batch began
    :raises CatalogueMovedError: when `known` is no longer all that is there
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ONE_LOAD,))
        done = _finished_counts(connection, batch)
        if done is not None:
            return done  # the commit of an earlier try went through, only its answer was lost
        newest = _one(connection, "SELECT coalesce(max(id), 0) FROM instrument_sets")
        if newest != known.newest_id:
            raise CatalogueMovedError
        _stage(connection, catalogue, neighbours)
        counts = LoadCounts(
            files_ok=len(catalogue.sound_paths),
            files_damaged=len(catalogue.damaged),
            files_repeated=catalogue.repeated,
            sets_added=_run(connection, _ADD_SETS),
            songs_added=(added := _run(connection, _ADD_SONGS)),
            songs_known=len(catalogue.songs) - added,
            neighbours_added=_run(connection, _ADD_NEIGHBOURS),
        )
        _run(connection, _ADD_SONG_INSTRUMENTS)
        _run(connection, _COUNT_SONGS)
        connection.execute(_MERGE_DAMAGED, (batch,))
        _run(connection, _FORGET_MENDED)
        _finish(connection, batch, counts, time.monotonic() - begin)
    return counts


def mark_failed(connection: Connection, batch: UUID, error: str) -> None:
    connection.execute(
        "UPDATE ingest_batches SET state = 'failed', finished_at = clock_timestamp(), error = %s "
        "WHERE id = %s AND state = 'running'",
        (error[:1000], batch),
    )


def _stage(connection: Connection, catalogue: Catalogue, neighbours: Iterable[Neighbours]) -> None:
    in_transaction(connection, _STAGING)
    cursor = connection.cursor()
    with cursor.copy("COPY staged_songs (hash, name, byte_count, members) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["text", "text", "int4", "int2[]"])
        for song in catalogue.songs:
            copy.write_row((song.hash, song.name, song.byte_count, list(song.instruments)))
    with cursor.copy("COPY staged_neighbours (one, other, distance) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int2[]", "int2[]", "float8"])
        for pair in neighbours:
            copy.write_row((list(pair.one), list(pair.other), pair.distance))
    with cursor.copy("COPY staged_damaged (path, hash, reason) FROM STDIN") as copy:
        for row in catalogue.damaged:
            copy.write_row(row)
    with cursor.copy("COPY staged_sound (path) FROM STDIN") as copy:
        for path in catalogue.sound_paths:
            copy.write_row((path,))
    in_transaction(connection, ["ANALYZE staged_songs", "ANALYZE staged_neighbours"])


_STAGING: tuple[LiteralString, ...] = (
    "CREATE TEMPORARY TABLE staged_songs "
    '(hash char(32) COLLATE "C", name text, byte_count integer, members smallint[]) ON COMMIT DROP',
    "CREATE TEMPORARY TABLE staged_neighbours "
    "(one smallint[], other smallint[], distance double precision) ON COMMIT DROP",
    'CREATE TEMPORARY TABLE staged_damaged (path text, hash char(32) COLLATE "C", reason text) ON COMMIT DROP',
    "CREATE TEMPORARY TABLE staged_sound (path text) ON COMMIT DROP",
)

_ADD_SETS: LiteralString = """
    INSERT INTO instrument_sets (members)
    SELECT DISTINCT staged.members FROM staged_songs staged
    WHERE NOT EXISTS (SELECT FROM instrument_sets known WHERE known.members = staged.members)
    ORDER BY 1
"""

_ADD_SONGS: LiteralString = """
    INSERT INTO songs (hash, name, byte_count, instrument_set)
    SELECT staged.hash, staged.name, staged.byte_count, sets.id
    FROM staged_songs staged JOIN instrument_sets sets ON sets.members = staged.members
    ORDER BY staged.hash
    ON CONFLICT (hash) DO NOTHING
"""

_ADD_SONG_INSTRUMENTS: LiteralString = """
    INSERT INTO song_instruments (song, instrument)
    SELECT hash, unnest(members) FROM staged_songs
    ON CONFLICT (song, instrument) DO NOTHING
"""

_ADD_NEIGHBOURS: LiteralString = """
    WITH pairs AS (
      SELECT one.id AS one, other.id AS other, staged.distance
      FROM staged_neighbours staged
      JOIN instrument_sets one ON one.members = staged.one
      JOIN instrument_sets other ON other.members = staged.other
    )
    INSERT INTO set_neighbours (instrument_set, distance, neighbour)
    SELECT one, distance, other FROM pairs UNION ALL SELECT other, distance, one FROM pairs
    ORDER BY 1, 2, 3
    ON CONFLICT (instrument_set, neighbour) DO NOTHING
"""

_COUNT_SONGS: LiteralString = """
    UPDATE instruments SET song_count = counted.songs
    FROM (SELECT instrument, count(*) AS songs FROM song_instruments GROUP BY instrument) counted
    WHERE instruments.code = counted.instrument AND instruments.song_count <> counted.songs
"""

_MERGE_DAMAGED: LiteralString = """
    INSERT INTO damaged_files AS known (path, hash, reason, batch)
    SELECT path, hash, reason, %s FROM staged_damaged
    ON CONFLICT (path) DO UPDATE SET hash = excluded.hash, reason = excluded.reason, batch = excluded.batch
    WHERE (known.hash, known.reason) IS DISTINCT FROM (excluded.hash, excluded.reason)
"""

_FORGET_MENDED: LiteralString = (
    "DELETE FROM damaged_files USING staged_sound WHERE damaged_files.path = staged_sound.path"
)


def _finish(connection: Connection, batch: UUID, counts: LoadCounts, duration_seconds: float) -> None:
    connection.execute(
        "UPDATE ingest_batches SET state = 'succeeded', finished_at = clock_timestamp(), duration_seconds = %s, "
        "files_ok = %s, files_damaged = %s, files_repeated = %s, songs_added = %s, songs_known = %s, "
        "sets_added = %s, neighbours_added = %s WHERE id = %s",
        (
            duration_seconds,
            counts.files_ok,
            counts.files_damaged,
            counts.files_repeated,
            counts.songs_added,
            counts.songs_known,
            counts.sets_added,
            counts.neighbours_added,
            batch,
        ),
    )


def _finished_counts(connection: Connection, batch: UUID) -> LoadCounts | None:
    row = connection.execute(
        "SELECT files_ok, files_damaged, files_repeated, songs_added, songs_known, sets_added, neighbours_added "
        "FROM ingest_batches WHERE id = %s AND state = 'succeeded'",
        (batch,),
    ).fetchone()
    return LoadCounts(*row) if row else None


def _run(connection: Connection, statement: LiteralString) -> int:
    return connection.execute(statement).rowcount


def _one(connection: Connection, statement: LiteralString) -> Any:  # noqa: ANN401 - whatever the column holds
    row = connection.execute(statement).fetchone()
    return row[0] if row else None
