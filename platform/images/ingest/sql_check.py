"""Reads files through Spark SQL, as ingest does from object stores, and fails when a class is missing."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

INPUT = "file:///usr/share/games/openttd/baseset/openmsx"


def main() -> int:
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    files = session.read.format("binaryFile").option("pathGlobFilter", "*.mid").load(INPUT)
    few = files.where(files["length"] <= 1 << 20).select("path", "content")
    count = few.rdd.map(lambda row: len(row[1])).count()
    listed = len(files.where(files["length"] >= 0).select("path", "length").collect())
    session.stop()
    print(f"read {count} of {listed} files through Spark SQL")
    return 0 if count == listed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
