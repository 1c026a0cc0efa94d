"""Every statement of the service. Parameters only; pages by key, so that page 1,000 costs what page 1 does."""

from typing import Any

from psycopg.rows import DictRow

from pipeline.recommender.connections import Connection
from pipeline.recommender.parameters import NeighbourPage, Play, SongSearch

SONGS = "SELECT hash, name FROM songs WHERE hash > %(after)s ORDER BY hash LIMIT %(limit)s"

# Begins with the rarest of the wanted instruments and counts, song by song, how many of them it has. A join or a NOT
# EXISTS would say the same, but Postgres hashes the whole table for it: 300 ms for a first page instead of 1.
SONGS_WITH_ALL = """
SELECT song.hash, song.name
FROM (
  SELECT rare.song FROM song_instruments rare
  WHERE rare.instrument = (
      SELECT code FROM instruments WHERE code = ANY(%(wanted)s) ORDER BY song_count, code LIMIT 1
    )
    AND rare.song > %(after)s
    AND cardinality(%(wanted)s::smallint[]) = (
      SELECT count(*) FROM song_instruments has WHERE has.song = rare.song AND has.instrument = ANY(%(wanted)s)
    )
  ORDER BY rare.song LIMIT %(limit)s
) found JOIN songs song ON song.hash = found.song
ORDER BY song.hash
"""

# The first page of the union is within the union of the first pages.
SONGS_WITH_ANY = """
SELECT song.hash, song.name
FROM (
  SELECT DISTINCT page.song
  FROM unnest(%(wanted)s::smallint[]) AS code
  CROSS JOIN LATERAL (
    SELECT song FROM song_instruments WHERE instrument = code AND song > %(after)s ORDER BY song LIMIT %(limit)s
  ) page
  ORDER BY page.song LIMIT %(limit)s
) found JOIN songs song ON song.hash = found.song
ORDER BY song.hash
"""

SONG = """
SELECT song.name, instrument.code, instrument.name AS instrument, instrument.family
FROM songs song
LEFT JOIN song_instruments has ON has.song = song.hash
LEFT JOIN instruments instrument ON instrument.code = has.instrument
WHERE song.hash = %(hash)s ORDER BY instrument.code
"""

SIMILAR = """
SELECT song.hash, song.name, near.distance
FROM similar_songs near JOIN songs song ON song.hash = near.other
WHERE near.song = %(hash)s AND (near.distance, near.other) > (%(distance)s, %(after)s)
ORDER BY near.distance, near.other LIMIT %(limit)s
"""

SONG_EXISTS = "SELECT 1 FROM songs WHERE hash = %(hash)s"

INSTRUMENTS = "SELECT code, name, family, song_count FROM instruments ORDER BY code"

INSERT_PLAY = """
INSERT INTO plays (idempotency_key, song, listened_at, listened_at_given)
VALUES (%(key)s, %(song)s, coalesce(%(listened_at)s, now()), %(given)s)
ON CONFLICT (idempotency_key) DO NOTHING
RETURNING id, song, listened_at, listened_at_given, recorded_at
"""

PLAY = "SELECT id, song, listened_at, listened_at_given, recorded_at FROM plays WHERE idempotency_key = %(key)s"

# A row that is visible need not be on the standby yet: its own writer may have lost its connection while it waited.
# A message in the log makes this transaction wait for the standby in its place.
WAIT_FOR_STANDBY = "SELECT pg_logical_emit_message(true, 'divergence', 'repeated play')"

# What every batch of ingest came to, and the newest that succeeded: one row, also before the first batch.
BATCHES = """
SELECT ended.*, newest.duration_seconds, newest.files_ok, newest.files_damaged,
  extract(epoch FROM newest.finished_at)::float8 AS finished_at,
  (SELECT state <> 'succeeded' FROM ingest_batches WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1)
    AS last_failed
FROM (
  SELECT count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    count(*) FILTER (WHERE state = 'abandoned') AS abandoned,
    coalesce(extract(epoch FROM clock_timestamp() - min(started_at) FILTER (WHERE state = 'running')), 0)::float8
      AS running_seconds
  FROM ingest_batches
) ended
LEFT JOIN LATERAL (
  SELECT duration_seconds, files_ok, files_damaged, finished_at
  FROM ingest_batches WHERE state = 'succeeded' ORDER BY finished_at DESC LIMIT 1
) newest ON true
"""

NAMES = {
    SONGS: "songs",
    SONGS_WITH_ALL: "songs with all instruments",
    SONGS_WITH_ANY: "songs with any instrument",
    SONG: "song",
    SIMILAR: "similar songs",
    SONG_EXISTS: "song exists",
    INSTRUMENTS: "instruments",
    INSERT_PLAY: "insert play",
    PLAY: "play",
    WAIT_FOR_STANDBY: "wait for standby",
}
"""What a statement is called in a trace or an error event."""


def songs(connection: Connection, search: SongSearch) -> list[DictRow]:
    return connection.execute(statement(search), search_parameters(search, search.limit)).fetchall()


def statement(search: SongSearch) -> str:
    if not search.instruments:
        return SONGS
    return SONGS_WITH_ALL if search.match == "all" else SONGS_WITH_ANY


def search_parameters(search: SongSearch, limit: int) -> dict[str, Any]:
    return {"after": search.after, "limit": limit, "wanted": list(search.instruments)}


def song(connection: Connection, song_hash: str) -> dict[str, object] | None:
    rows = connection.execute(SONG, {"hash": song_hash}).fetchall()
    if not rows:
        return None
    has = [
        {"code": row["code"], "name": row["instrument"], "family": row["family"]}
        for row in rows
        if row["code"] is not None
    ]
    return {"hash": song_hash, "name": rows[0]["name"], "instruments": has}


def similar(connection: Connection, song_hash: str, page: NeighbourPage) -> list[DictRow] | None:
    """None when there is no such song."""
    parameters = {"hash": song_hash, "distance": page.after_distance, "after": page.after_hash, "limit": page.limit}
    rows = connection.execute(SIMILAR, parameters).fetchall()
    if rows or connection.execute(SONG_EXISTS, {"hash": song_hash}).fetchone():
        return rows
    return None


def instruments(connection: Connection) -> list[DictRow]:
    return connection.execute(INSTRUMENTS).fetchall()


def record_play(connection: Connection, play: Play) -> tuple[DictRow, bool]:
    """The row of this key and whether it was made now. On return it is durable."""
    parameters = {
        "key": play.key,
        "song": play.song,
        "listened_at": play.listened_at,
        "given": play.listened_at is not None,
    }
    made = connection.execute(INSERT_PLAY, parameters).fetchone()
    if made is not None:
        return made, True
    with connection.transaction():
        row = connection.execute(PLAY, {"key": play.key}).fetchone()
        connection.execute(WAIT_FOR_STANDBY)
    if row is None:
        raise LookupError(f"Cannot find the play of key '{play.key}', although the key is taken")
    return row, False
