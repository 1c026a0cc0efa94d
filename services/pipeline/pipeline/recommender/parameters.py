"""Query parameters and bodies, parsed at the edge: what comes out is valid, everything else is a Problem."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from werkzeug.datastructures import MultiDict

from pipeline.recommender.problem import Problem, bad_parameter

HASH = re.compile(r"[0-9a-f]{32}")
KEY = re.compile(r"[\x21-\x7e]{1,128}")
NEIGHBOUR_CURSOR = re.compile(r"(0|0\.[0-9]{1,20}(?:e-[0-9]{1,3})?|[0-9.]{1,20}e-[0-9]{1,3}):([0-9a-f]{32})")

PAGE_DEFAULT = 50
PAGE_LIMIT = 500
INSTRUMENT_LIMIT = 32
INSTRUMENT_CODES = range(129)

FIRST_HASH = ""


@dataclass(frozen=True)
class SongSearch:
    """`instruments` empty: all songs. `after`: hash of the last song of the page before."""

    instruments: tuple[int, ...]
    match: Literal["all", "any"]
    after: str
    limit: int
    limit_given: bool

    def page(self, limit: int, *, after: str) -> "SongSearch":
        """Another page of the same search."""
        return replace(self, limit=limit, after=after)


@dataclass(frozen=True)
class NeighbourPage:
    after_distance: float
    after_hash: str
    limit: int


@dataclass(frozen=True)
class Play:
    key: str
    song: str
    listened_at: datetime | None


def song_hash(text: str) -> str:
    if HASH.fullmatch(text):
        return text
    raise bad_parameter("hash", text, "an MD5: 32 characters of 0-9 and a-f")


def song_search(query: MultiDict[str, str]) -> SongSearch:
    known(query, ("instruments", "match", "limit", "cursor"))
    given = query.get("instruments")
    match = query.get("match", "all")
    if match not in ("all", "any"):
        raise bad_parameter("match", match, "'all' or 'any'")
    if given is None and "match" in query:
        raise Problem(400, "Parameter 'match' needs 'instruments'", parameter="match")
    cursor = query.get("cursor")
    after = FIRST_HASH if cursor is None else decoded(cursor)
    if cursor is not None and not HASH.fullmatch(after):
        raise bad_cursor(cursor)
    return SongSearch(
        instruments=() if given is None else instruments(given),
        match=match,  # type: ignore[arg-type]
        after=after,
        limit=limit(query),
        limit_given="limit" in query,
    )


def neighbour_page(query: MultiDict[str, str]) -> NeighbourPage:
    known(query, ("limit", "cursor"))
    cursor = query.get("cursor")
    if cursor is None:
        return NeighbourPage(-1.0, FIRST_HASH, limit(query))
    matched = NEIGHBOUR_CURSOR.fullmatch(decoded(cursor))
    if not matched:
        raise bad_cursor(cursor)
    try:
        return NeighbourPage(float(matched[1]), matched[2], limit(query))
    except ValueError as error:
        raise bad_cursor(cursor) from error


def play(headers: Mapping[str, str], body: object) -> Play:
    key = headers.get("Idempotency-Key")
    if key is None or not KEY.fullmatch(key):
        raise Problem(
            400, "Header 'Idempotency-Key' must be 1 to 128 visible ASCII characters", parameter="Idempotency-Key"
        )
    if not isinstance(body, dict):
        raise Problem(422, "The body must be a JSON object with 'song' and, if you like, 'listenedAt'")
    unknown = sorted(set(body) - {"song", "listenedAt"})
    if unknown:
        raise Problem(422, f"Unknown member '{str(unknown[0])[:80]}'; allowed are 'song' and 'listenedAt'")
    song = body.get("song")
    if not isinstance(song, str) or not HASH.fullmatch(song):
        raise Problem(422, "Member 'song' must be an MD5: 32 characters of 0-9 and a-f", parameter="song")
    return Play(key, song, listened_at(body.get("listenedAt")))


def listened_at(value: object) -> datetime | None:
    if value is None:
        return None
    problem = Problem(
        422,
        "Member 'listenedAt' must be an RFC 3339 time with a zone, such as 2026-11-21T06:00:00Z",
        parameter="listenedAt",
    )
    if not isinstance(value, str) or len(value) > 40:
        raise problem
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC) if datetime.fromisoformat(value).tzinfo else None
    except (ValueError, OverflowError) as error:
        raise problem from error
    if moment is None or moment.year < 1900:
        raise problem
    return moment


def instruments(text: str) -> tuple[int, ...]:
    codes = text.split(",")
    if len(codes) > INSTRUMENT_LIMIT:
        raise Problem(
            400,
            f"Parameter 'instruments' must have at most {INSTRUMENT_LIMIT} codes: it has {len(codes)}",
            parameter="instruments",
        )
    if not all(
        code.isascii() and code.isdigit() and len(code) <= 3 and int(code) in INSTRUMENT_CODES for code in codes
    ):
        raise bad_parameter("instruments", text, "codes from 0 to 128 with commas between, such as '0,33,128'")
    return tuple(sorted({int(code) for code in codes}))


def limit(query: MultiDict[str, str]) -> int:
    text = query.get("limit")
    if text is None:
        return PAGE_DEFAULT
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= PAGE_LIMIT:
        return int(text)
    raise bad_parameter("limit", text, f"a whole number from 1 to {PAGE_LIMIT}")


def known(query: MultiDict[str, str], names: tuple[str, ...]) -> None:
    """Raises Problem for a parameter that is not among `names`, or is given more than once."""
    for name in query:
        if name not in names:
            allowed = f"allowed are {', '.join(names)}" if names else "none is allowed"
            raise Problem(400, f"Unknown parameter '{name[:80]}'; {allowed}", parameter=name[:80])
        if len(query.getlist(name)) > 1:
            raise Problem(400, f"Parameter '{name}' is given more than once", parameter=name)


def encoded(position: str) -> str:
    """A cursor: opaque to clients, so that what stands in it may change."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decoded(cursor: str) -> str:
    if len(cursor) > 128:
        raise bad_cursor(cursor)
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise bad_cursor(cursor) from error


def bad_cursor(cursor: str) -> Problem:
    return bad_parameter("cursor", cursor, "the 'next' of an earlier answer")
