from __future__ import annotations

import hashlib
from collections import Counter
from itertools import combinations
from math import comb
from pathlib import Path

import pytest

from pipeline import similarity
from pipeline.corpus import SIZES, damaged, main, song, song_instruments, write_corpus
from pipeline.midi import DamagedMidi, read_instruments
from pipeline.midi_test import instruments_by_mido


def similar_pairs(sets: list[tuple[int, ...]]) -> int:
    """Pairs of songs at distance < 0.5 among those with at least three instruments."""
    songs = Counter(members for members in sets if len(members) >= similarity.MIN_INSTRUMENTS)
    distinct = sorted(songs)
    pairs = {(i, j) for i, j in similarity._pairs_of_bands(distinct, len(distinct), range(similarity.BANDS))}
    same = sum(comb(count, 2) for count in songs.values())
    return same + sum(songs[distinct[i]] * songs[distinct[j]] for i, j in pairs)


def test_song_is_the_same_to_the_byte_for_the_same_seed():
    digest = hashlib.sha256()
    for index in range(60):
        name, content = song(1, index)
        digest.update(name.encode() + content)
    assert digest.hexdigest() == "1ca5502a3908f1ec7cdb011a7f6c144bd402c0291d0f1100118e1c73490f6a87"
    assert song(1, 7) == song(1, 7)
    assert song(2, 7)[1] != song(1, 7)[1]


def test_song_is_a_valid_file_that_plays_its_instruments():
    for index in range(300):
        name, content = song(5, index)
        assert read_instruments(content) == song_instruments(5, index), name
        if index < 15:
            assert instruments_by_mido(content) == song_instruments(5, index), name


def test_song_covers_the_ways_in_which_real_files_differ():
    contents = [song(1, index)[1] for index in range(300)]
    kinds = Counter(content[9] for content in contents)
    assert kinds[0] > 50
    assert kinds[1] > 150
    assert any(len(song_instruments(1, index)) > 16 for index in range(300))
    assert sum(b"\xf0\x05\x7e" in content for content in contents) > 50


def test_small_corpus_is_like_the_measured_one():
    sets = [song_instruments(1, index) for index in range(SIZES["small"])]
    assert sum(map(len, sets)) == pytest.approx(6_205, rel=0.03)
    assert similar_pairs(sets) == pytest.approx(447, rel=0.15)
    brute = sum(
        similarity.jaccard_distance(one, other) < 0.5
        for one, other in combinations([members for members in sets if len(members) >= 3], 2)
    )
    assert similar_pairs(sets) == pytest.approx(brute, rel=0.01)


def test_full_corpus_is_like_the_measured_one():
    sets = [song_instruments(1, index) for index in range(SIZES["full"])]
    assert sum(map(len, sets)) == pytest.approx(69_262, rel=0.02)
    assert set().union(*sets) == set(range(129))
    assert similar_pairs(sets) == pytest.approx(51_878, rel=0.1)


def test_damaged_files_are_damaged_in_every_way():
    reasons = set()
    for index in range(12):
        with pytest.raises(DamagedMidi) as refusal:
            read_instruments(damaged(1, index)[1])
        reasons.add(refusal.value.reason.split()[0])
    assert len(reasons) >= 4


def test_write_corpus_writes_the_same_folder_twice_and_completes_half_of_one(tmp_path: Path):
    def digest(folder: Path) -> str:
        files = sorted(folder.iterdir())
        return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()

    assert write_corpus(tmp_path / "one", files=20, seed=3, damaged_files=2) == 22
    (tmp_path / "half").mkdir()
    for path in sorted((tmp_path / "one").glob("*.mid"))[:7]:
        (tmp_path / "half" / path.name).write_bytes(path.read_bytes()[:10])
    write_corpus(tmp_path / "half", files=20, seed=3, damaged_files=2)
    assert digest(tmp_path / "half") == digest(tmp_path / "one")


def test_write_corpus_adds_real_files(tmp_path: Path):
    real = tmp_path / "real"
    real.mkdir()
    (real / "tune.mid").write_bytes(song(9, 0)[1])
    (real / "readme.txt").write_text("not music")
    assert write_corpus(tmp_path / "out", files=3, seed=1, openmsx=real) == 4
    assert (tmp_path / "out" / "tune.mid").read_bytes() == song(9, 0)[1]


def test_write_corpus_refuses_a_folder_that_holds_something_else(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ValueError, match=r"holds letter\.txt"):
        write_corpus(tmp_path, files=1, seed=1)
    write_corpus(tmp_path / "corpus", files=1, seed=1)
    with pytest.raises(ValueError, match="another corpus"):
        write_corpus(tmp_path / "corpus", files=1, seed=2)


def test_main_tells_what_it_wrote_and_refuses_what_it_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--size", "3", "--seed", "1", "--out", str(tmp_path / "a"), "--damaged", "1"]) == 0
    assert "4 MIDI files" in capsys.readouterr().out
    assert main(["--size", "3", "--out", str(tmp_path / "b"), "--with-openmsx", str(tmp_path / "a" / "no")]) == 2
    with pytest.raises(SystemExit) as refusal:
        main(["--size", "huge", "--out", str(tmp_path / "c")])
    assert refusal.value.code == 2
