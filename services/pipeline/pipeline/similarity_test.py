from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from pipeline.corpus import song_instruments
from pipeline.similarity import BANDS, Neighbours, _pairs_of_bands, _ranks, find_neighbours, jaccard_distance

if TYPE_CHECKING:
    from pyspark import SparkContext


def exact(sets: list[tuple[int, ...]]) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
    large = [members for members in sorted(set(sets)) if len(members) >= 3]
    return {(one, other) for one, other in combinations(large, 2) if jaccard_distance(one, other) < 0.5}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((), (), 0.0),
        ((1,), (), 1.0),
        ((1, 2, 3), (1, 2, 3), 0.0),
        ((1, 2, 3), (1, 2, 3, 4), 0.25),
        ((1, 2, 3), (2, 3, 4), 0.5),
        ((1, 2), (3, 4), 1.0),
    ],
)
def test_jaccard_distance_is_what_is_not_shared(one: tuple[int, ...], other: tuple[int, ...], expected: float):
    assert jaccard_distance(one, other) == expected


def test_find_neighbours_keeps_the_threshold_out_and_small_sets_aside(spark: SparkContext):
    sets = [(1, 2), (1, 2, 3), (1, 2, 3, 4), (2, 3, 4), (60, 61, 62)]
    # 3 of 4 shared: 0.25. (1, 2, 3) and (2, 3, 4) share 2 of 4, which is 0.5 and not below it.
    assert find_neighbours(spark, [], sets, tasks=1) == [
        Neighbours((1, 2, 3), (1, 2, 3, 4), 0.25),
        Neighbours((1, 2, 3, 4), (2, 3, 4), 0.25),
    ]


def test_find_neighbours_finds_nearly_all_and_nothing_else(spark: SparkContext):
    sets = sorted({song_instruments(1, index) for index in range(3_000)})
    wanted = exact(sets)
    found = {(pair.one, pair.other) for pair in find_neighbours(spark, [], sets, tasks=2)}
    assert len(wanted) > 1_500
    assert found <= wanted
    assert len(found) >= 0.99 * len(wanted)


def test_find_neighbours_finds_pairs_just_below_the_threshold():
    # 5 of 9 shared, 0.44: about the farthest that ensembles of usual sizes can be. Expected 0.9975 of them.
    found = 0
    for shift in range(100):
        one, other = tuple(range(shift, shift + 7)), tuple(range(shift + 2, shift + 9))
        assert jaccard_distance(one, other) == pytest.approx(4 / 9)
        found += len(list(_pairs_of_bands([one, other], 2, range(BANDS))))
    assert found >= 97


def test_find_neighbours_finds_the_same_in_one_batch_or_in_two(spark: SparkContext):
    sets = sorted({song_instruments(2, index) for index in range(800)})
    at_once = find_neighbours(spark, [], sets, tasks=3)
    first = find_neighbours(spark, [], sets[::2], tasks=1)
    second = find_neighbours(spark, sets[::2], list(reversed(sets[1::2])), tasks=2)
    assert len(at_once) > 50
    assert sorted(first + second) == at_once
    assert find_neighbours(spark, sets, [], tasks=1) == []
    assert find_neighbours(spark, [(1, 2, 3), (1, 2, 3, 4)], [(7, 8, 9)], tasks=1) == []


def test_ranks_are_the_same_on_every_machine():
    assert sorted(_ranks(0)[0]) == list(range(129))
    assert [ranks[:4] for ranks in _ranks(3)] == [
        (64, 100, 60, 43),
        (19, 49, 89, 58),
        (90, 124, 87, 102),
        (10, 20, 77, 128),
    ]
