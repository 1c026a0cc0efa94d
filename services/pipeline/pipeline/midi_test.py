from __future__ import annotations

import io
from contextlib import suppress

import mido
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.midi import MAX_FILE_BYTES, DamagedMidi, _last_status, read_instruments

END = b"\x00\xff\x2f\x00"


def midi(*tracks: bytes, kind: int | None = None, declared: int | None = None) -> bytes:
    """A file of these tracks; type 0 for one, 1 for several, unless told."""
    kind = (0 if len(tracks) == 1 else 1) if kind is None else kind
    head = b"MThd" + (6).to_bytes(4, "big") + kind.to_bytes(2, "big")
    head += (len(tracks) if declared is None else declared).to_bytes(2, "big") + (96).to_bytes(2, "big")
    return head + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


def program(channel: int, number: int, delta: int = 0) -> bytes:
    return bytes((delta, 0xC0 | channel, number))


def note(channel: int, delta: int = 0, velocity: int = 64) -> bytes:
    return bytes((delta, 0x90 | channel, 60, velocity))


def instruments_by_mido(data: bytes) -> tuple[int, ...]:
    """The same question answered by another reader, which goes through all events one by one."""
    file = mido.MidiFile(file=io.BytesIO(data))
    sounding = set()
    for track in file.tracks if file.type == 2 else [mido.merge_tracks(file.tracks)]:
        programs = [0] * 16
        for message in track:
            if message.type == "program_change":
                programs[message.channel] = message.program
            elif message.type == "note_on" and message.velocity > 0:
                sounding.add(128 if message.channel == 9 else programs[message.channel])
    return tuple(sorted(sounding))


@pytest.mark.parametrize(
    ("title", "data", "expected"),
    [
        ("no notes at all", midi(END), ()),
        ("a note without a program is piano", midi(note(3) + END), (0,)),
        ("the program of the note's channel", midi(program(3, 40) + note(3) + END), (40,)),
        ("a program of another channel does not count", midi(program(2, 40) + note(3) + END), (0,)),
        ("a program after the note does not count", midi(note(3) + program(3, 40) + END), (0,)),
        ("a program that was replaced before a note", midi(program(0, 5) + program(0, 6) + note(0) + END), (6,)),
        ("both programs when each has a note", midi(note(0) + program(0, 6) + note(0) + END), (0, 6)),
        ("velocity 0 ends a note, it begins none", midi(program(0, 7) + note(0, velocity=0) + END), ()),
        ("channel 10 is percussion whatever its program", midi(program(9, 16) + note(9) + END), (128,)),
        ("percussion and program 0 are two", midi(note(9) + note(0) + END), (0, 128)),
        ("running status", midi(program(0, 3) + b"\x00\x90\x3c\x00\x00\x3c\x00\x05\x3d\x01" + END), (3,)),
        ("running status of programs", midi(b"\x00\xc0\x05\x00\x06" + note(0) + END), (6,)),
        ("running status goes on after a meta event", midi(note(1) + b"\x00\xff\x01\x01x\x00\x3c\x40" + END), (0,)),
        ("times of four bytes", midi(b"\xff\xff\xff\x7f\xc0\x09" + b"\x81\x80\x80\x00\x90\x3c\x40" + END), (9,)),
        ("all other channel events", midi(b"\0\xa0\1\2\0\xb0\1\2\0\xd0\1\0\2\0\xe0\1\2\0\x80\1\2" + END), ()),
        ("system exclusive and its continuation", midi(b"\0\xf0\3\x7e\x7f\xf7\0\xf7\1\1" + note(0) + END), (0,)),
        ("a long meta event", midi(b"\0\xff\1\x81\0" + b"x" * 128 + note(0) + END), (0,)),
        ("bytes after the end of a track", midi(note(0) + END + b"\xff\xff"), (0,)),
        ("bytes after the last track", midi(note(0) + END) + b"rest", (0,)),
        (
            "a chunk of another kind between tracks",
            midi(END, declared=2, kind=1) + b"XFIH\0\0\0\2ab" + midi(note(9) + END)[14:],
            (128,),
        ),
        ("a longer header", b"MThd\0\0\0\7\0\0\0\1\0\x60!" + midi(note(0) + END)[14:], (0,)),
        ("type 1: programs in a first track", midi(program(2, 11) + END, note(2) + END), (11,)),
        (
            "type 1: a program counts from its time on, in other tracks, too",
            midi(program(2, 11, delta=10) + END, note(2, delta=9) + note(2, delta=1) + END),
            (0, 11),
        ),
        (
            "type 1: a program in a later track counts for an earlier one",
            midi(note(2, delta=5) + END, program(2, 11, delta=4) + END),
            (11,),
        ),
        ("type 1: at equal times the order of tracks decides", midi(note(2) + END, program(2, 11) + END), (0,)),
        (
            "type 1: one channel set and played by two tracks",
            midi(program(2, 11) + note(2, 5) + END, program(2, 12, 3) + note(2, 1) + END),
            (12,),
        ),
        ("type 2: tracks are independent", midi(program(2, 11) + END, note(2) + END, kind=2), (0,)),
        ("time in frames a second", midi(note(0) + END)[:12] + b"\xe7\x28" + midi(note(0) + END)[14:], (0,)),
    ],
)
def test_read_instruments_finds(title: str, data: bytes, expected: tuple[int, ...]):
    assert read_instruments(data) == expected
    # mido reads on after the end of a track and knows no other chunks.
    if title not in ("bytes after the end of a track", "a chunk of another kind between tracks"):
        assert instruments_by_mido(data) == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "has 0 bytes"),
        (b"RIFF" + midi(END)[4:], "begins with b'RIFF'"),
        (midi(END)[:13], "has 13 bytes"),
        (midi(END)[:9] + b"\x03" + midi(END)[10:], "is of type 3"),
        (midi(END)[:12] + b"\0\0" + midi(END)[14:], "0 ticks"),
        (midi(END)[:7] + b"\x05" + midi(END)[8:], "header 5 bytes"),
        (midi(END, declared=0), "declares 0 tracks"),
        (midi(END, END, kind=0), "type 0 declares 2 tracks"),
        (midi(END, declared=2, kind=1), "ends after 1 of 2 tracks"),
        (midi(note(0) + END)[:-1], "ends 1 bytes before the end of track 1"),
        (midi(note(0)), "track 1 ends without an end-of-track event"),
        (midi(END, b"\x00"), "track 2 ends inside an event"),
        (midi(b"\x00\x90\x3c"), "ends inside an event"),
        (midi(b"\x00\xff"), "ends inside an event"),
        (midi(b"\x00\xff\x01"), "ends inside an event"),
        (midi(b"\x00\x3c\x40" + END), "data byte 0x3c where a status must stand"),
        (midi(note(0) + b"\0\xf0\1\xf7\0\x3c\x40" + END), "data byte 0x3c where a status must stand"),
        (midi(b"\x00\x90\x80\x40" + END), "data byte above 0x7f after status 0x90"),
        (midi(b"\x00\x90\x3c\x80" + END), "data byte above 0x7f after status 0x90"),
        (midi(note(0) + b"\x00\x3c\xff" + END), "data byte above 0x7f after status 0x90"),
        (midi(b"\x00\xc0\x80" + END), "data byte above 0x7f after status 0xc0"),
        (midi(b"\x00\xf4" + END), "status 0xf4, which cannot stand in a file"),
        (midi(b"\x80\x80\x80\x80\x00\x90\x3c\x40" + END), "time of more than 4 bytes"),
        (midi(b"\x00\xff\x01\x80\x80\x80\x80\x00" + END), "length of more than 4 bytes"),
        (midi(b"\x00\xff\x01\x7f" + END), "an event of 127 bytes that passes the track's end"),
        (midi(b"\x00\xff\x80\x00" + END), "meta event of unknown kind 0x80"),
    ],
)
def test_read_instruments_refuses_damage_with_its_reason(data: bytes, reason: str):
    with pytest.raises(DamagedMidi) as refusal:
        read_instruments(data)
    assert reason in refusal.value.reason
    assert "\n" not in refusal.value.reason


def test_read_instruments_refuses_a_file_over_the_limit_unread():
    with pytest.raises(DamagedMidi, match="more than the limit"):
        read_instruments(bytes(MAX_FILE_BYTES + 1))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (b"\x00\xb1\x01\x02", 0xB1),
        (b"\x81\x00\xe3\x01\x02\x05\x03\x04", 0xE3),
        (b"\x00\xd0\x01\x00\x02\x00\xb1\x01\x02", 0xB1),
        (b"\x00\xd0\x01\x81\x02\x03\x81\x04\xb1\x01\x02", 0xB1),
        (b"\x00\xb1\x01\x02\x00\xd0\x01\x00\x02", 0xD0),
    ],
)
def test_last_status_is_the_one_in_force(events: bytes, expected: int):
    assert _last_status(b"before" + events + b"\x00\x9f\x01\x02", 6, 6 + len(events)) == expected


DELTAS = st.sampled_from([b"\x00", b"\x00", b"\x01", b"\x60", b"\x81\x00", b"\x83\x60", b"\x81\x80\x00"])
CHANNELS = st.sampled_from([0, 0, 1, 2, 9])
DATA = st.integers(0, 127)


@st.composite
def channel_events(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from([0x80, 0x90, 0x90, 0x90, 0xA0, 0xB0, 0xC0, 0xC0, 0xD0, 0xE0]))
    first = draw(st.integers(0, 3)) if kind == 0xC0 else draw(DATA)
    second = () if kind in (0xC0, 0xD0) else (draw(st.sampled_from([0, 64])) if kind == 0x90 else draw(DATA),)
    return bytes((kind | draw(CHANNELS), first, *second))


META = st.binary(max_size=150).map(lambda text: b"\xff\x01" + vlq(len(text)) + text)
EXCLUSIVE = st.binary(max_size=5).map(
    lambda text: b"\xf0" + vlq(len(text) + 1) + bytes(b & 0x7F for b in text) + b"\xf7"
)


def vlq(value: int) -> bytes:
    return bytes((value,)) if value < 128 else bytes((0x80 | value >> 7, value & 0x7F))


@st.composite
def tracks(draw: st.DrawFn) -> bytes:
    """Events of all kinds, written with running status wherever the draw says so and it is allowed."""
    track, status = b"", None
    for _ in range(draw(st.integers(0, 40))):
        event = draw(st.one_of(*[channel_events()] * 8, META, EXCLUSIVE))
        repeat = draw(st.integers(1, 45)) if draw(st.integers(0, 9)) == 0 else 1
        for _ in range(repeat):
            track += draw(DELTAS)
            track += event[1:] if event[0] == status and draw(st.booleans()) else event
            if event[0] < 0xF0:
                status = event[0]
            elif event[0] == 0xF0:
                status = None
    return track + END


@st.composite
def files(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from([0, 1, 1, 2]))
    return midi(*draw(st.lists(tracks(), min_size=1, max_size=1 if kind == 0 else 4)), kind=kind)


# Each of these once went wrong, or would with a reader a little simpler.
@settings(max_examples=120, deadline=None)
@example(midi(b"\x00\x80\x00\x00\x00\xd0\x00" + END))
@example(midi(b"\x00\x80\x01\x02\x00\xff\x01\x00\x00\x03\x04" + note(0) + END))
@example(midi(b"\x00\xd1\x01\x00\xff\x01\x00\x00\x03" + note(1) + END))
@given(files())
def test_read_instruments_agrees_with_an_independent_reader(data: bytes):
    assert read_instruments(data) == instruments_by_mido(data)


@pytest.mark.parametrize("length", [99, 100, 101, 102, 1_000, 4_001, 4_200, 9_000])
@pytest.mark.parametrize(
    "event", [b"\x91\x3c\x40", b"\xb1\x07\x40", b"\xd1\x05"], ids=["notes", "controllers", "pressures"]
)
def test_read_instruments_agrees_on_runs_of_any_length(event: bytes, length: int):
    run = b"\x00" + event + (b"\x05" + event[1:]) * length
    spelled_out = (b"\x81\x00" + event) * length
    rest = program(1, 30) + note(1) + END
    for data in (midi(run + rest), midi(spelled_out + rest), midi(run + b"\x00\xff\x01\x00\x00" + event[1:] + rest)):
        assert read_instruments(data) == instruments_by_mido(data)


@settings(max_examples=120, deadline=None)
@given(files(), st.data())
def test_read_instruments_either_reads_or_says_damaged(data: bytes, draws: st.DataObject):
    broken = bytearray(data)
    for _ in range(draws.draw(st.integers(1, 4))):
        broken[draws.draw(st.integers(0, len(broken) - 1))] = draws.draw(st.integers(0, 255))
    broken = broken[: draws.draw(st.integers(0, len(broken)))]
    with suppress(DamagedMidi):
        assert set(read_instruments(bytes(broken))) <= set(range(129))


@given(st.binary(max_size=300))
@example(b"MThd")
def test_read_instruments_survives_any_bytes(data: bytes):
    with pytest.raises(DamagedMidi):
        read_instruments(data)
