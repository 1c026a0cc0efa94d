"""Ingest's reading and comparing beside the original's method, on the same generated files and cores.

Each method runs in a process of its own with a Spark of its own, in turns. What is timed begins when Spark is up and
ends when all pairs of similar files are at hand; nothing is written to a database in either. What each found is checked
against the exact answer for the instruments it read.

The original: pretty_midi opens each file on a Spark executor and yields its instruments; files with at least three
become a text of instrument numbers -> RegexTokenizer -> NGram -> HashingTF -> MinHashLSH with 10 hash tables ->
approxSimilarityJoin at distance < 0.5. Its n-grams are of one number here: with longer ones it would answer another
question than the one it is checked against.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.corpus import write_corpus

MAX_DISTANCE = 0.5
MIN_INSTRUMENTS = 3

Songs = dict[str, tuple[int, ...]]
Pairs = set[tuple[str, str]]


def ours(folder: Path, cores: int) -> dict[str, object]:
    from pipeline.extract import extract
    from pipeline.similarity import find_neighbours
    from pipeline.spark import start_spark
    from pipeline.transform import to_catalogue

    # As the image starts Java.
    quick = '--driver-java-options "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"'
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--master local[{cores}] --driver-memory 2g {quick} pyspark-shell"
    spark = start_spark("bench")
    up = time.perf_counter()
    catalogue = to_catalogue(extract(spark, folder.as_uri(), tasks_at_least=cores))
    read = time.perf_counter()
    neighbours = find_neighbours(spark, set(), sorted(catalogue.instrument_sets()), tasks=cores)
    done = time.perf_counter()
    spark.stop()
    by_set: dict[tuple[int, ...], list[str]] = {}
    songs = {song.name: song.instruments for song in catalogue.songs}
    for name, members in songs.items():
        by_set.setdefault(members, []).append(name)
    pairs = {ordered(a, b) for near in neighbours for a in by_set[near.one] for b in by_set[near.other]}
    for members, names in by_set.items():
        if len(members) >= MIN_INSTRUMENTS:
            pairs |= {ordered(a, b) for place, a in enumerate(names) for b in names[place + 1 :]}
    return report(songs, pairs, (up, read, done))


def original(folder: Path, cores: int) -> dict[str, object]:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import HashingTF, MinHashLSH, NGram, RegexTokenizer
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as sql

    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.driver.memory", "2g")
    spark = builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", 2 * cores).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    up = time.perf_counter()
    paths = sorted(str(path) for path in folder.glob("*.mid"))
    rows = spark.sparkContext.parallelize(paths, 4 * cores).mapPartitions(instruments_of).collect()
    read = time.perf_counter()
    texts = (
        spark.createDataFrame(rows, "file string, instrument int")
        .groupBy("file")
        .agg(sql.sort_array(sql.collect_set("instrument")).alias("instruments"))
        .where(sql.size("instruments") >= MIN_INSTRUMENTS)
        .select("file", sql.concat_ws(" ", "instruments").alias("text"))
        .cache()
    )
    stages = [
        RegexTokenizer(pattern=" ", inputCol="text", outputCol="tokens"),
        NGram(n=1, inputCol="tokens", outputCol="ngrams"),
        HashingTF(inputCol="ngrams", outputCol="vectors"),
        MinHashLSH(inputCol="vectors", outputCol="lsh", numHashTables=10, seed=1),
    ]
    model = Pipeline(stages=stages).fit(texts)
    hashed = model.transform(texts)
    joined = model.stages[-1].approxSimilarityJoin(hashed, hashed, MAX_DISTANCE, "distance")
    near = joined.where(sql.col("datasetA.file") < sql.col("datasetB.file"))
    found = near.select(sql.col("datasetA.file"), sql.col("datasetB.file")).collect()
    done = time.perf_counter()
    spark.stop()
    songs: dict[str, set[int]] = {}
    for file, instrument in rows:
        songs.setdefault(file, set()).add(instrument)
    return report(
        {file: tuple(sorted(members)) for file, members in songs.items()},
        {ordered(row[0], row[1]) for row in found},
        (up, read, done),
    )


def instruments_of(paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    import pretty_midi

    for path in paths:
        for instrument in pretty_midi.PrettyMIDI(path).instruments:
            yield Path(path).stem, 128 if instrument.is_drum else int(instrument.program)


def ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def report(songs: Songs, pairs: Pairs, moments: tuple[float, float, float]) -> dict[str, object]:
    """
    Seconds of each part, and which share of the truly similar pairs was found.

    :param moments: Spark was up, all files were read, all pairs were found
    """
    up, read, done = moments
    exact = similar_pairs(songs)
    return {
        "readSeconds": read - up,
        "compareSeconds": done - read,
        "workSeconds": done - up,
        "songs": len(songs),
        "pairs": len(pairs),
        "exactPairs": len(exact),
        "recall": len(pairs & exact) / len(exact) if exact else 1.0,
        "wrong": len(pairs - exact),
    }


def similar_pairs(songs: Songs) -> Pairs:
    """The exact answer: all compared with all, a block of rows at a time."""
    import numpy

    names = sorted(name for name, members in songs.items() if len(members) >= MIN_INSTRUMENTS)
    has = numpy.zeros((len(names), 129), dtype=numpy.float32)
    for row, name in enumerate(names):
        has[row, list(songs[name])] = 1
    sizes = has.sum(axis=1)
    pairs: Pairs = set()
    for start in range(0, len(names), 512):
        shared = has[start : start + 512] @ has.T
        union = sizes[start : start + 512, None] + sizes[None, :] - shared
        for row, column in zip(*numpy.nonzero(shared > MAX_DISTANCE * union), strict=True):
            if start + row < column:
                pairs.add((names[start + row], names[column]))
    return pairs


METHODS = {"original": original, "ours": ours}


def measure(method: str, folder: Path, cores: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--method", method, "--folder", str(folder), "--cores", str(cores)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"Cannot measure '{method}':\n{answer.stderr[-3000:]}")
    return json.loads(answer.stdout.splitlines()[-1])


def compare(files: int, cores: int, rounds: int) -> int:
    with tempfile.TemporaryDirectory(prefix="divergence-bench-") as name:
        folder = Path(name, "corpus")
        write_corpus(folder, files=files, seed=1)
        print(f"{files} files, {cores} cores, {rounds} rounds in turns; seconds are medians", flush=True)
        results: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
        for _ in range(rounds):
            for method in METHODS:
                results[method].append(measure(method, folder, cores))
    rows = [
        ("read every file, s", "readSeconds", ".1f"),
        ("find similar songs, s", "compareSeconds", ".1f"),
        ("both, s", "workSeconds", ".1f"),
        ("similar pairs found", "pairs", ".0f"),
        ("wrong pairs", "wrong", ".0f"),
        ("recall", "recall", ".4f"),
    ]
    print(f"{'':24}{'original':>12}{'ours':>12}{'ratio':>10}")
    for title, key, form in rows:
        theirs, own = (statistics.median(run[key] for run in results[method]) for method in METHODS)
        ratio = f"{theirs / own:.1f} x" if key.endswith("Seconds") else ""
        print(f"{title:24}{theirs:>12{form}}{own:>12{form}}{ratio:>10}")
    ratios = [
        theirs["workSeconds"] / own["workSeconds"]
        for theirs, own in zip(results["original"], results["ours"], strict=True)
    ]
    print(f"goals: at least 5 x faster (each round: {', '.join(f'{ratio:.1f} x' for ratio in ratios)}), recall >= 0.95")
    met = min(ratios) >= 5 and min(run["recall"] for run in results["ours"]) >= 0.95
    return 0 if met else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench/ingest.sh", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--files", type=int, default=1_000, help="how many to generate; the full set has 11133")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--method", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.method:
        print(json.dumps(METHODS[options.method](options.folder, options.cores)))
        return 0
    return compare(options.files, options.cores, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
