"""Turns a list of instruments into a valid Standard MIDI File of type 0 or 1 that plays each of them.

The ways in which real files differ are drawn at random: running status or not, all channels in one track or a track
each, program changes beside the notes or in a track of their own, a piano that relies on program 0, a channel that is
given a program and never plays, more instruments than channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from pipeline.midi import PERCUSSION

_DRUM_CHANNEL = 9
_MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_STEPS_PER_BAR = 16
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12, 14, 16)
_DRUMS = (36, 38, 42, 46, 49, 51, 45, 41, 39, 54)
_DIVISIONS = (96, 120, 192, 240, 480)


class Song(NamedTuple):
    title: str
    instruments: tuple[int, ...]


class _Part(NamedTuple):
    """One instrument on one channel: `bars` holds the events of each different bar as (tick, message)."""

    channel: int
    program: int | None
    bars: list[list[tuple[int, bytes]]]


def write_song(song: Song, random: Random) -> bytes:
    """The file's bytes. Equal songs and equal generator states give equal bytes."""
    division = _DIVISIONS[int(random.random() * len(_DIVISIONS))]
    running = random.random() < 0.75
    bar_count = 16 + 4 * int(random.random() * 8)
    rounds = [
        _parts(programs, division, random) for programs in _rounds([p for p in song.instruments if p != PERCUSSION])
    ] or [[]]
    if PERCUSSION in song.instruments:
        kit = int(random.random() * 5) * 8 if random.random() < 0.5 else None
        rounds[0].append(_Part(_DRUM_CHANNEL, kit, _bars(_DRUM_CHANNEL, _DRUMS, division, random)))

    conductor = _conductor(song.title, random)
    one_track = random.random() < 0.3
    programs_apart = not one_track and len(rounds) == 1 and random.random() < 0.15
    silent = _silent_program(rounds, random)
    if one_track:
        body = b"".join(_setup(parts) + _play(parts, bar_count, running) for parts in rounds)
        tracks = [conductor + silent + body]
    else:
        head = conductor + silent + (_setup(rounds[0]) if programs_apart else b"")
        tracks = [head]
        for part in rounds[0]:
            later = [p for parts in rounds[1:] for p in parts if p.channel == part.channel]
            track = _meta(3, f"channel {part.channel + 1}".encode())
            for follower in (part, *later):
                track += (b"" if programs_apart else _setup([follower])) + _play([follower], bar_count, running)
            tracks.append(track)
    return _file(0 if one_track else 1, division, tracks)


def _rounds(programs: list[int]) -> list[list[tuple[int, int]]]:
    """(channel, program) of the instruments that sound together; with more than 15 they take turns on the channels."""
    size = len(_MELODIC_CHANNELS)
    return [list(zip(_MELODIC_CHANNELS, programs[at : at + size])) for at in range(0, len(programs), size)]  # noqa: B905


def _parts(pairs: list[tuple[int, int]], division: int, random: Random) -> list[_Part]:
    parts = []
    for channel, program in pairs:
        root = 36 + int(random.random() * 36)
        keys = tuple(root + step for step in _SCALE)
        # A channel nobody gave a program plays program 0; only the first round can rely on it.
        bare = program == 0 and channel == 0 and random.random() < 0.3
        parts.append(_Part(channel, None if bare else program, _bars(channel, keys, division, random)))
    return parts


def _bars(channel: int, keys: tuple[int, ...], division: int, random: Random) -> list[list[tuple[int, bytes]]]:
    """Two to four different bars. Each ends with a note that stops exactly at the bar line, so that bars can follow
    one another in any order."""
    step_ticks = division * 4 // _STEPS_PER_BAR
    bars = []
    for _ in range(2 + int(random.random() * 3)):
        starts = [step for step in range(_STEPS_PER_BAR - 1) if random.random() < 0.45] + [_STEPS_PER_BAR - 1]
        events: list[tuple[int, bytes]] = []
        for start in starts:
            key = keys[int(random.random() * len(keys))]
            velocity = 40 + int(random.random() * 80)
            events.append((start * step_ticks, bytes((0x90 | channel, key, velocity))))
            events.append(((start + 1) * step_ticks, bytes((0x90 | channel, key, 0))))
        if random.random() < 0.2:
            events.append((starts[0] * step_ticks, bytes((0xE0 | channel, 0, 64))))
        events.sort()
        bars.append(events)
    return bars


def _setup(parts: Iterable[_Part]) -> bytes:
    """Program, volume and pan of each part, at once."""
    events = b""
    for part in parts:
        if part.program is not None:
            events += bytes((0, 0xC0 | part.channel, part.program))
        events += bytes((0, 0xB0 | part.channel, 7, 100, 0, 10, 64))
    return events


def _play(parts: list[_Part], bar_count: int, running: bool) -> bytes:
    """`bar_count` bars of all parts together."""
    patterns = []
    for number in range(4):
        events = sorted(event for part in parts for event in part.bars[number % len(part.bars)])
        patterns.append(_encode(events, running))
    return b"".join(patterns[number % 4] for number in range(bar_count))


def _encode(events: list[tuple[int, bytes]], running: bool) -> bytes:
    encoded = bytearray()
    now, last_status = 0, 0
    for tick, message in events:
        encoded += _quantity(tick - now)
        if running and message[0] == last_status:
            encoded += message[1:]
        elif not running and message[0] & 0xF0 == 0x90 and message[2] == 0:
            encoded += bytes((message[0] & 0x8F, message[1], 64))
        else:
            encoded += message
        now, last_status = tick, message[0]
    return bytes(encoded)


def _conductor(title: str, random: Random) -> bytes:
    """Name, tempo and metre; sometimes the system exclusive message that switches General MIDI on."""
    tempo = 300_000 + int(random.random() * 400_000)
    events = _meta(3, title.encode()) + _meta(0x51, tempo.to_bytes(3, "big")) + _meta(0x58, bytes((4, 2, 24, 8)))
    if random.random() < 0.3:
        events += bytes((0, 0xF0, 5, 0x7E, 0x7F, 0x09, 0x01, 0xF7))
    return events


def _silent_program(rounds: list[list[_Part]], random: Random) -> bytes:
    """A program for a channel that never plays: it must not count."""
    taken = {part.channel for parts in rounds for part in parts}
    free = [channel for channel in _MELODIC_CHANNELS if channel not in taken]
    if not free or random.random() > 0.15:
        return b""
    return bytes((0, 0xC0 | free[-1], int(random.random() * 128)))


def _meta(kind: int, content: bytes) -> bytes:
    return bytes((0, 0xFF, kind)) + _quantity(len(content)) + content


def _quantity(value: int) -> bytes:
    """`value` as a variable-length quantity."""
    encoded = bytes((value & 0x7F,))
    while value := value >> 7:
        encoded = bytes((0x80 | value & 0x7F,)) + encoded
    return encoded


def _file(kind: int, division: int, tracks: list[bytes]) -> bytes:
    parts = [b"MThd", (6).to_bytes(4, "big"), *(v.to_bytes(2, "big") for v in (kind, len(tracks), division))]
    for track in tracks:
        events = track + b"\x00\xff\x2f\x00"
        parts += [b"MTrk", len(events).to_bytes(4, "big"), events]
    return b"".join(parts)
