"""Finds pairs of similar instrument sets among very many, without comparing all with all.

    sets -> MinHash signatures -> bands -> buckets of candidates -> exact Jaccard distance -> pairs

MinHash with banding (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4): two sets of
similarity s share a minimum under a random order of the instruments with probability s, and fall into the same bucket
of at least one of `BANDS` bands of `ROWS` orders with probability 1 - (1 - s^ROWS)^BANDS. At the threshold of 0.5 that
is 0.979, and more above it. Candidates are checked exactly, so no wrong pair comes out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from pipeline.spark import OnExecutors, unseen

if TYPE_CHECKING:
    from pyspark import SparkContext

ROWS = 4
BANDS = 60
INSTRUMENT_COUNT = 129
MIN_INSTRUMENTS = 3
"""Sets with fewer instruments are not compared: they say too little about a song."""

MAX_DISTANCE = 0.5
"""Pairs are similar below this Jaccard distance, not at it."""

_SEED = 20_090_501

InstrumentSet = tuple[int, ...]


class Neighbours(NamedTuple):
    """Two similar sets, the smaller tuple first."""

    one: InstrumentSet
    other: InstrumentSet
    distance: float


def find_neighbours(
    spark: SparkContext,
    known: Iterable[InstrumentSet],
    new: Iterable[InstrumentSet],
    *,
    tasks: int,
    on_executors: OnExecutors = unseen,
) -> list[Neighbours]:
    """
    Similar pairs with at least one of `new`, sorted. Which pairs are found depends on the two sets of a pair alone: not
    on the order or number of sets, nor on the cluster.

    :param known: distinct sets whose pairs among each other are known already
    :param new: distinct sets, none of them in `known`
    :param tasks: Spark tasks to split the work into; > 0
    :param on_executors: is put around the comparing of each partition
    """
    fresh = [members for members in new if len(members) >= MIN_INSTRUMENTS]
    sets = fresh + [members for members in known if len(members) >= MIN_INSTRUMENTS]
    if not fresh or len(sets) < 2:
        return []
    shared = spark.broadcast((sets, len(fresh)))
    found = (
        spark.parallelize(range(BANDS), min(tasks, BANDS))
        .mapPartitions(on_executors("compare bands", lambda bands: _pairs_of_bands(*shared.value, bands)))
        .collect()
    )
    shared.unpersist()
    pairs = {(min(sets[i], sets[j]), max(sets[i], sets[j])) for i, j in found}
    return [Neighbours(one, other, jaccard_distance(one, other)) for one, other in sorted(pairs)]


def jaccard_distance(one: InstrumentSet, other: InstrumentSet) -> float:
    """1 - |shared| / |all|, in [0, 1]; 0 for two empty sets."""
    everything = set(one) | set(other)
    return 1 - len(set(one) & set(other)) / len(everything) if everything else 0.0


def _pairs_of_bands(sets: Sequence[InstrumentSet], new_count: int, bands: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Indexes of the similar pairs that meet in one of `bands`. The first `new_count` sets are new."""
    masks = [sum(1 << member for member in members) for members in sets]
    found: set[tuple[int, int]] = set()
    for band in bands:
        for bucket in _buckets(sets, band):
            # Indexes ascend, so new sets come first, and what follows the last new one was compared before.
            for place, index in enumerate(bucket):
                if index >= new_count:
                    break
                mask = masks[index]
                for other_index in bucket[place + 1 :]:
                    other = masks[other_index]
                    if 2 * (mask & other).bit_count() > (mask | other).bit_count():
                        found.add((index, other_index))
    return iter(found)


def _buckets(sets: Sequence[InstrumentSet], band: int) -> list[list[int]]:
    """Indexes of sets whose minima agree in all rows of `band`; only buckets with company."""
    ranks = _ranks(band)
    buckets: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, members in enumerate(sets):
        buckets[tuple([min([rank[member] for member in members]) for rank in ranks])].append(index)
    return [bucket for bucket in buckets.values() if len(bucket) > 1]


@lru_cache(maxsize=BANDS)
def _ranks(band: int) -> tuple[tuple[int, ...], ...]:
    """The rank of each instrument in `ROWS` random orders, the same on every machine."""
    random = Random(_SEED + band)  # noqa: S311 - not a secret
    orders = []
    for _ in range(ROWS):
        keys = [random.random() for _ in range(INSTRUMENT_COUNT)]
        order = sorted(range(INSTRUMENT_COUNT), key=keys.__getitem__)
        ranks = [0] * INSTRUMENT_COUNT
        for rank, member in enumerate(order):
            ranks[member] = rank
        orders.append(tuple(ranks))
    return tuple(orders)
