"""Runs a small batch so that Java can record the classes a real one loads, see packages.Dockerfile.

It goes the ways that ingest goes: binary files, Python functions, joins, grouping, shuffles.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

INPUT = "file:///usr/share/games/openttd/baseset/openmsx"
OVERLAP = 2


def symbols(file: Row) -> tuple[str, int, list[int]]:
    return (Path(file.path).name, len(file.content), sorted(set(file.content[:64])))


def pairs(songs: DataFrame) -> DataFrame:
    entries = songs.select("name", F.explode("symbols").alias("symbol")).repartition(2)
    sets = entries.groupBy("name").agg(F.sort_array(F.collect_set("symbol")).alias("symbols"))
    bands = sets.select("*", F.explode(F.transform("symbols", lambda symbol: F.xxhash64(symbol))).alias("band"))
    left, right = bands.alias("left"), bands.alias("right")
    candidates = left.join(right, (F.col("left.band") == F.col("right.band")) & (F.col("left.name") < F.col("right.name")))
    overlap = F.size(F.array_intersect("left.symbols", "right.symbols"))
    return candidates.select("left.name", overlap.alias("overlap")).distinct().filter(F.col("overlap") >= OVERLAP)


def main() -> int:
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    files = session.read.format("binaryFile").option("recursiveFileLookup", "true").load(INPUT)
    midi = files.filter(F.col("path").endswith(".mid")).select("path", "content")
    songs = session.createDataFrame(midi.rdd.map(symbols), "name string, size long, symbols array<int>").cache()
    found = pairs(songs).orderBy("overlap").collect()
    written = songs.repartitionByRange(2, "name").rdd.mapPartitions(lambda rows: [len(list(rows))]).collect()
    java = session.sparkContext._gateway.proc
    session.stop()
    # Java writes what it recorded when it ends, which it does when this pipe is closed.
    java.stdin.close()
    java.wait(timeout=300)
    print(f"rehearsed with {sum(written)} files, {len(found)} pairs")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
