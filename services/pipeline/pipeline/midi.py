"""Reads which General MIDI instruments a Standard MIDI File plays, and nothing else of it.

    bytes -> header -> tracks -> per track: (channel, program) that sounded -> instrument numbers

Nearly all of a file is notes that change nothing once an instrument is known to sound. They are skipped by regular
expressions, at the speed of C; only events that can matter (program changes, first notes, meta events, system
exclusive) are looked at one by one. The format: "Standard MIDI Files 1.0", MIDI Manufacturers Association, 1988.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

PERCUSSION = 128
"""Instrument number of the drum kit: what channel 10 plays, whatever its program."""

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Larger files are refused unread; the largest of the Lakh data set has 3 MB."""

_PERCUSSION_CHANNEL = 9
_NO_STATUS = 0
_UNKNOWN_STATUS = -1
_END_OF_TRACK = 0x2F
_MAX_TRACKS = 4096

# A variable-length quantity: at most three bytes with the high bit, then one without.
_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Each repetition keeps a way back that is never taken: bounded, so that a huge file does not fill the memory with them.
# (Possessive repetitions have none, but give wrong results in Python 3.11.)
_TWO_DATA_BYTES = re.compile(rb"(?:" + _DELTA + rb"[\x00-\x7f]{2}){0,4000}")

# How many events of channels that are already known are read one by one before a skipper is compiled for them.
_MISSES_BEFORE_COMPILE = 32


class DamagedMidi(ValueError):  # noqa: N818 - a finding about a file, not about this program
    """The file breaks the format. `reason` says where and how, in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_instruments(data: bytes) -> tuple[int, ...]:
    """
    Instrument numbers that sound in the file, ascending: 0..127 General MIDI programs, 128 percussion.

    An instrument sounds when a note with velocity > 0 starts while it is its channel's program; a channel has program
    0 until a program change says otherwise. Tracks of type 1 share the sixteen channels, so a program change in one
    track counts for notes of another from its time on (at equal times in the order of tracks); tracks of type 2 are
    independent.

    :raises DamagedMidi: when the file breaks the format or is larger than `MAX_FILE_BYTES`
    """
    if len(data) > MAX_FILE_BYTES:
        raise DamagedMidi(f"has {len(data)} bytes, more than the limit of {MAX_FILE_BYTES}")
    kind, extents = _chunks(data)
    tracks = [_scan_track(data, start, end, number) for number, (start, end) in enumerate(extents, 1)]
    sounding = {pair for track in tracks for pair in track.sounding}
    shared = _channels_programmed_elsewhere(tracks) if kind == 1 else 0
    if shared:
        sounding = {pair for pair in sounding if not shared >> pair[0] & 1}
        sounding |= _sounding_in_time_order(data, extents, tracks, shared)
    return tuple(sorted({PERCUSSION if channel == _PERCUSSION_CHANNEL else program for channel, program in sounding}))


def _chunks(data: bytes) -> tuple[int, list[tuple[int, int]]]:
    """The file's type (0, 1, 2) and where each track's events begin and end."""
    if len(data) < 14:
        raise DamagedMidi(f"has {len(data)} bytes, a header alone needs 14")
    if data[:4] != b"MThd":
        raise DamagedMidi(f"begins with {data[:4]!r} instead of b'MThd'")
    header_length = int.from_bytes(data[4:8], "big")
    if header_length < 6 or 8 + header_length > len(data):
        raise DamagedMidi(f"gives its header {header_length} bytes")
    kind, track_count = int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")
    if kind > 2:
        raise DamagedMidi(f"is of type {kind}; there are types 0, 1 and 2")
    if data[12:14] == b"\0\0":
        raise DamagedMidi("gives a quarter note 0 ticks")
    if not 1 <= track_count <= _MAX_TRACKS or (kind == 0 and track_count != 1):
        raise DamagedMidi(f"of type {kind} declares {track_count} tracks")

    extents: list[tuple[int, int]] = []
    position = 8 + header_length
    while len(extents) < track_count:
        if position + 8 > len(data):
            raise DamagedMidi(f"ends after {len(extents)} of {track_count} tracks")
        length = int.from_bytes(data[position + 4 : position + 8], "big")
        start, end = position + 8, position + 8 + length
        is_track = data[position : position + 4] == b"MTrk"
        if end > len(data):
            what = f"track {len(extents) + 1}" if is_track else "a chunk"
            raise DamagedMidi(f"ends {end - len(data)} bytes before the end of {what}")
        # Chunks of other kinds may stand anywhere and are to be ignored.
        if is_track:
            extents.append((start, end))
        position = end
    return kind, extents


@dataclass(slots=True)
class _Track:
    """What one track says by itself. Masks have one bit a channel."""

    sounding: set[tuple[int, int]] = field(default_factory=set)
    noted: int = 0
    programmed: int = 0


@lru_cache(maxsize=1024)
def _skipper(known_channels: int) -> re.Pattern[bytes]:
    """
    Matches any run of channel events that change nothing: all but program changes, and of note-ons only those of
    `known_channels`.
    """
    note_ons = b"".join(rb"\x%02x" % (0x90 | channel) for channel in range(16) if known_channels >> channel & 1)
    return re.compile(
        rb"(?:" + _DELTA + rb"(?:"
        rb"[\x80-\x8f\xa0-\xbf\xe0-\xef" + note_ons + rb"][\x00-\x7f]{2}(?:" + _DELTA + rb"[\x00-\x7f]{2}){0,100}"
        rb"|[\xd0-\xdf][\x00-\x7f](?:" + _DELTA + rb"[\x00-\x7f]){0,100}"
        rb")){0,1000}"
    )


def _scan_track(data: bytes, start: int, end: int, number: int) -> _Track:  # noqa: C901, PLR0912, PLR0915 - hot loop
    """Reads one track as if it were alone. Checks every byte of it."""
    track = _Track()
    programs = [0] * 16
    position, running, misses = start, _NO_STATUS, 0
    skipped_from = skipped_to = start
    known = 0  # channels whose present program has sounded already
    skipped_channels = 0  # the part of `known` that `skip` passes over
    skip = _skipper(0).match

    def damaged(what: str) -> NoReturn:
        raise DamagedMidi(f"track {number} {what}, at byte {position}")

    while True:
        match = skip(data, position, end)
        if match is not None and match.end() != position:
            skipped_from, skipped_to = position, match.end()
            position = skipped_to
            running = _UNKNOWN_STATUS

        # Time since the last event: only its length matters here.
        for _ in range(4):
            if position >= end:
                damaged("ends without an end-of-track event")
            position += 1
            if data[position - 1] < 0x80:
                break
        else:
            damaged("has a time of more than 4 bytes")
        if position >= end:
            damaged("ends inside an event")

        status = data[position]
        if status >= 0x80:
            position += 1
        elif running == _NO_STATUS:
            damaged(f"has data byte 0x{status:02x} where a status must stand")
        else:
            status = running if running != _UNKNOWN_STATUS else _last_status(data, skipped_from, skipped_to)

        if status >= 0xF0:
            if status == 0xFF:
                # Many writers go on with running status after a meta event, so it stays in force.
                if position >= end:
                    damaged("ends inside an event")
                kind = data[position]
                position += 1
                if kind >= 0x80:
                    damaged(f"has a meta event of unknown kind 0x{kind:02x}")
            elif status in (0xF0, 0xF7):
                kind, running = -1, _NO_STATUS
            else:
                damaged(f"has status 0x{status:02x}, which cannot stand in a file")
            length = 0
            for _ in range(4):
                if position >= end:
                    damaged("ends inside an event")
                byte = data[position]
                position += 1
                length = length << 7 | byte & 0x7F
                if byte < 0x80:
                    break
            else:
                damaged("has a length of more than 4 bytes")
            if position + length > end:
                damaged(f"has an event of {length} bytes that passes the track's end")
            position += length
            if kind == _END_OF_TRACK:
                return track
            continue

        running = status
        channel = status & 0x0F
        message = status & 0xF0
        data_end = position + (1 if message in (0xC0, 0xD0) else 2)
        if data_end > end:
            damaged("ends inside an event")
        if data[position] >= 0x80 or data[data_end - 1] >= 0x80:
            damaged(f"has a data byte above 0x7f after status 0x{status:02x}")

        if message == 0xC0:
            track.programmed |= 1 << channel
            programs[channel] = data[position]
            if (channel, data[position]) in track.sounding:
                known |= 1 << channel
            else:
                known &= ~(1 << channel)
                if skipped_channels & ~known:
                    skipped_channels &= known
                    skip = _skipper(skipped_channels).match
        elif message == 0x90 and data[position + 1] > 0:
            if known >> channel & 1:
                misses += 1
            else:
                known |= 1 << channel
                track.noted |= 1 << channel
                track.sounding.add((channel, programs[channel]))
            if misses >= _MISSES_BEFORE_COMPILE or not skipped_channels:
                skipped_channels, misses = known, 0
                skip = _skipper(known).match
        position = data_end
        if message not in (0xC0, 0xD0) and (message != 0x90 or known >> channel & 1):
            # The rest of a run without status bytes, which the skipper cannot begin with.
            position = _TWO_DATA_BYTES.match(data, position, end).end()  # type: ignore[union-attr]


def _last_status(data: bytes, position: int, end: int) -> int:
    """The status in force after channel events that a skipper passed over."""
    status = _NO_STATUS
    while position < end:
        while data[position] >= 0x80:
            position += 1
        position += 1
        if data[position] >= 0x80:
            status = data[position]
            position += 1
        position += 1 if status & 0xF0 == 0xD0 else 2
    return status


def _channels_programmed_elsewhere(tracks: list[_Track]) -> int:
    """Mask of the channels that one track gives a program and another one plays: only there does time order matter."""
    mask = programmed = noted = 0
    for track in tracks:
        mask |= programmed & track.noted | noted & track.programmed
        programmed |= track.programmed
        noted |= track.noted
    return mask & ~(1 << _PERCUSSION_CHANNEL)


def _sounding_in_time_order(
    data: bytes, extents: list[tuple[int, int]], tracks: list[_Track], channels: int
) -> set[tuple[int, int]]:
    """What sounds on `channels` when all tracks run at once. The tracks have been scanned: they are sound."""
    programmers = [number for number, track in enumerate(tracks) if track.programmed & channels]
    timed = {number: _timed_events(data, *extents[number], channels) for number in programmers}
    sounding: set[tuple[int, int]] = set()

    # The usual case: a track of settings comes first, and has given all programs before any time has passed.
    for channel in range(16):
        if channels >> channel & 1:
            changes = [event for events in timed.values() for event in events if event[1] == channel]
            setters = [number for number in programmers if tracks[number].programmed >> channel & 1]
            players = [number for number, track in enumerate(tracks) if track.noted >> channel & 1]
            if setters[-1] < players[0] and all(ticks == 0 for ticks, _, _ in changes):
                sounding.add((channel, changes[-1][2] or 0))
                channels &= ~(1 << channel)
    if not channels:
        return sounding

    for number, track in enumerate(tracks):
        if track.noted & channels and number not in timed:
            timed[number] = _timed_events(data, *extents[number], channels)
    events = [event for _, events in sorted(timed.items()) for event in events if channels >> event[1] & 1]
    events.sort(key=lambda event: event[0])  # stable: equal times stay in the order of tracks
    programs = [0] * 16
    for _, channel, program in events:
        if program is None:
            sounding.add((channel, programs[channel]))
        else:
            programs[channel] = program
    return sounding


def _timed_events(data: bytes, position: int, end: int, channels: int) -> list[tuple[int, int, int | None]]:
    """(ticks since the start, channel, new program or None for a note) of one sound track, on `channels` only."""
    events: list[tuple[int, int, int | None]] = []
    ticks, status = 0, _NO_STATUS
    while position < end:
        delta, position = _quantity(data, position)
        ticks += delta
        if data[position] >= 0x80:
            event_status = data[position]
            position += 1
        else:
            event_status = status
        if event_status >= 0xF0:
            if event_status == 0xFF and data[position] == _END_OF_TRACK:
                break
            length, position = _quantity(data, position + (event_status == 0xFF))
            position += length
            continue
        status = event_status
        channel, message = status & 0x0F, status & 0xF0
        if channels >> channel & 1:
            if message == 0xC0:
                events.append((ticks, channel, data[position]))
            elif message == 0x90 and data[position + 1] > 0:
                events.append((ticks, channel, None))
        position += 1 if message in (0xC0, 0xD0) else 2
    return events


def _quantity(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length quantity and where it ends."""
    value = 0
    while True:
        byte = data[position]
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position
