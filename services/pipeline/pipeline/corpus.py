"""Writes folders of valid Standard MIDI Files, the same to the byte for the same seed.

    python -m pipeline.corpus --size small --seed 1 --out DIR [--with-openmsx DIR] [--damaged N]

Which instruments a song has follows the Lakh-derived set this project is measured against (11,133 files, 69,262
file-instrument rows, about 52,000 similar pairs): a fixed population of bands, some much busier than others, whose
songs differ from one another by an instrument or two, and songs by nobody in particular. Song number i is the same in a
corpus of any size. Only `random()` of the generator is used, whose sequence Python promises to keep.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from bisect import bisect
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import NamedTuple

from pipeline.midi import PERCUSSION
from pipeline.midi_writer import Song, write_song

SIZES = {"small": 1_000, "full": 11_133}
MAX_FILES = 1_000_000
RECEIPT = "corpus.json"
"""Written last: a folder that has it is complete."""

_BANDS = 670
_BAND_SHARE = 0.68
"""Share of songs that a band plays; the rest is by nobody in particular."""
_BAND_SIZES = (2, 3, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 10)
_FREE_SIZES = (1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 11, 15, 19)
_PERCUSSION_SHARE = 0.7

# What is played most, in order; everything else is played alike. From the feel of pop and film arrangements.
_POPULAR = (0, 48, 33, 25, 27, 52, 49, 29, 30, 32, 24, 35, 61, 4, 26, 73, 50, 28, 56, 5, 18, 65, 38, 1, 46, 89, 66, 81)


class _Flavour(NamedTuple):
    """Programs a kind of music draws on, besides what everybody plays."""

    families: tuple[int, ...]
    weight: float


_FLAVOURS = (
    _Flavour((0, 3, 4, 6), 3),
    _Flavour((3, 4, 2, 10), 3),
    _Flavour((5, 6, 7, 8, 9), 3),
    _Flavour((0, 4, 7, 8), 2),
    _Flavour((4, 10, 11, 12), 2),
    _Flavour((1, 9, 13, 14), 1),
    _Flavour((2, 6, 11, 15), 1),
)


def _pick(random: Random, values: Sequence[int], cumulative: Sequence[float]) -> int:
    return values[bisect(cumulative, random.random() * cumulative[-1], 0, len(values) - 1)]


def _generator(*key: object) -> Random:
    return Random(int.from_bytes(hashlib.sha256("/".join(map(str, key)).encode()).digest()[:8], "big"))  # noqa: S311


@lru_cache(maxsize=8)
def _palette(flavour: int | None) -> tuple[float, ...]:
    """Cumulative weight of every program for one flavour, or for music of no kind."""
    weights = [1.0] * 128
    for rank, program in enumerate(_POPULAR):
        weights[program] += 9 / (1 + rank / 6)
    if flavour is not None:
        for family in _FLAVOURS[flavour].families:
            for program in range(family * 8, family * 8 + 8):
                weights[program] *= 4
    return tuple(accumulate(weights))


def _draw(random: Random, count: int, palette: Sequence[float]) -> set[int]:
    programs: set[int] = set()
    while len(programs) < count:
        programs.add(_pick(random, range(128), palette))
    return programs


@lru_cache(maxsize=_BANDS * 2)
def _band(seed: int, number: int) -> tuple[int, frozenset[int]]:
    """The flavour and the instruments of one band."""
    random = _generator(seed, "band", number)
    flavour = _pick(random, range(len(_FLAVOURS)), tuple(accumulate(flavour.weight for flavour in _FLAVOURS)))
    size = _BAND_SIZES[int(random.random() * len(_BAND_SIZES))]
    members = _draw(random, size, _palette(flavour))
    if random.random() < _PERCUSSION_SHARE:
        members.add(PERCUSSION)
    return flavour, frozenset(members)


_BUSYNESS = tuple(accumulate(1 / (20 + number) ** 0.5 for number in range(_BANDS)))


def song_instruments(seed: int, index: int) -> tuple[int, ...]:
    """Instrument numbers of song `index`, ascending; at least one."""
    random = _generator(seed, "song", index)
    if random.random() < _BAND_SHARE:
        flavour, members = _band(seed, _pick(random, range(_BANDS), _BUSYNESS))
        instruments = {member for member in sorted(members) if random.random() > 0.12}
        guests = int(random.random() * 2.2)
        instruments |= _draw(random, guests, _palette(flavour))
    else:
        instruments = _draw(random, _FREE_SIZES[int(random.random() * len(_FREE_SIZES))], _palette(None))
        if random.random() < _PERCUSSION_SHARE:
            instruments.add(PERCUSSION)
    return tuple(sorted(instruments or {0}))


_ADJECTIVES = tuple(
    "amber brisk calm distant early faint golden hollow idle jagged late mellow narrow open pale quiet".split(" ")
)
_NOUNS = tuple(
    "anchor bridge canal delta ember field garden harbor island lantern meadow orchard prairie river summit".split(" ")
)


def song(seed: int, index: int) -> tuple[str, bytes]:
    """File name and content of song `index`."""
    random = _generator(seed, "notes", index)
    adjective = _ADJECTIVES[int(random.random() * len(_ADJECTIVES))]
    noun = _NOUNS[int(random.random() * len(_NOUNS))]
    title = f"{adjective}-{noun}-{index:06d}"
    return f"{title}.mid", write_song(Song(title, song_instruments(seed, index)), random)


def damaged(seed: int, index: int) -> tuple[str, bytes]:
    """File name and content of a file that is broken on purpose, in one of several ways."""
    content = song(seed, index)[1]
    random = _generator(seed, "damage", index)
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: b"",
        lambda: content[: 14 + int(random.random() * (len(content) - 15))],
        lambda: b"RIFF" + content[4:],
        lambda: content[:9] + b"\x07" + content[10:],
        lambda: content[:22] + b"\xff\xff\xff\xff\xff" + content[27:],
        lambda: bytes(int(random.random() * 256) for _ in range(400)),
    )
    return f"damaged-{index:06d}.mid", ways[index % len(ways)]()


def write_corpus(out: Path, *, files: int, seed: int, openmsx: Path | None = None, damaged_files: int = 0) -> int:
    """
    Writes the corpus into `out`, made if missing; a folder half written is completed.

    :returns: how many MIDI files the folder holds
    :raises ValueError: when `out` holds something else, or `openmsx` no MIDI files
    """
    borrowed = sorted(path for path in openmsx.iterdir() if path.suffix == ".mid") if openmsx else []
    if openmsx and not borrowed:
        raise ValueError(f"Cannot add the OpenMSX set: no .mid files in '{openmsx}'")
    receipt = {"seed": seed, "files": files, "damaged": damaged_files, "borrowed": [path.name for path in borrowed]}
    total = files + damaged_files + len(borrowed)
    out.mkdir(parents=True, exist_ok=True)
    if _receipt(out) == receipt:
        return total
    strangers = [path.name for path in out.iterdir() if path.suffix != ".mid" and path.name != RECEIPT]
    if strangers or (out / RECEIPT).exists():
        found = strangers[0] if strangers else "another corpus"
        raise ValueError(f"Cannot write a corpus into '{out}': it holds {found}; name an empty folder")

    for index in range(files):
        name, content = song(seed, index)
        (out / name).write_bytes(content)
    for index in range(damaged_files):
        name, content = damaged(seed, index)
        (out / name).write_bytes(content)
    for path in borrowed:
        shutil.copyfile(path, out / path.name)
    (out / RECEIPT).write_text(json.dumps(receipt))
    return total


def _receipt(out: Path) -> object:
    try:
        return json.loads((out / RECEIPT).read_text())
    except (OSError, ValueError):
        return None


def _size(text: str) -> int:
    files = SIZES[text] if text in SIZES else int(text)
    if not 1 <= files <= MAX_FILES:
        raise ValueError
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipeline.corpus", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--size", type=_size, required=True, help=f"{', '.join(SIZES)} or a number of files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder, made if missing")
    parser.add_argument("--with-openmsx", type=Path, metavar="DIR", help="folder with the .mid files of OpenMSX")
    parser.add_argument("--damaged", type=int, default=0, metavar="N", help="broken files to add; default 0")
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    try:
        total = write_corpus(
            options.out,
            files=options.size,
            seed=options.seed,
            openmsx=options.with_openmsx,
            damaged_files=options.damaged,
        )
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{total} MIDI files in {options.out} ({time.perf_counter() - begin:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
