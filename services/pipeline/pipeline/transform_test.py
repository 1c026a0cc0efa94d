from __future__ import annotations

from random import Random

from pipeline.extract import FileRecord
from pipeline.transform import Catalogue, DamagedRow, SongRow, to_catalogue

A, B = "a" * 32, "b" * 32


def test_to_catalogue_sorts_and_merges_equal_files_under_the_first_name():
    records = [
        FileRecord("/c/x.mid", A, 9, (1, 2), None),
        FileRecord("/c/b.mid", B, 8, (), None),
        FileRecord("/c/copy/a.mid", A, 9, (1, 2), None),
        FileRecord("/c/bad.mid", "c" * 32, 3, None, "is of type 7"),
        FileRecord("/c/locked.mid", None, 0, None, "may not be read"),
    ]
    expected = Catalogue(
        songs=[SongRow(A, "a", 9, (1, 2)), SongRow(B, "b", 8, ())],
        damaged=[
            DamagedRow("/c/bad.mid", "c" * 32, "is of type 7"),
            DamagedRow("/c/locked.mid", None, "may not be read"),
        ],
        sound_paths=["/c/b.mid", "/c/copy/a.mid", "/c/x.mid"],
        repeated=1,
    )
    for seed in range(5):
        Random(seed).shuffle(records)
        assert to_catalogue(records) == expected


def test_to_catalogue_writes_any_path_so_that_it_fits_a_text_column_and_stays_different():
    raw = [b"/c/\xff.mid", b"/c/\xfe.mid", b"/c/" + b"x" * 3000 + b"1.mid", b"/c/" + b"x" * 3000 + b"2.mid"]
    records = [
        FileRecord(path.decode("utf-8", "surrogateescape"), None, 0, None, "is not a regular file") for path in raw
    ]
    paths = [row.path for row in to_catalogue(records).damaged]
    assert "/c/\\xff.mid" in paths
    assert len(set(paths)) == 4
    assert all(len(path.encode()) < 2000 for path in paths)
