"""Reads files through Spark SQL, as ingest does from object stores, and fails when a class is missing.

The client of the object store itself is only made, not used: where an image is built there is none.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

S3A = {
    "aws.credentials.provider": "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider",
    "endpoint": "http://127.0.0.1:1",
    "endpoint.region": "us-east-1",
}
INPUT = "file:///usr/share/games/openttd/baseset/openmsx"


def main() -> int:
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    # Credentials and a region are asked for on the way, and nobody is there to give them.
    for key, value in S3A.items():
        builder = builder.config(f"spark.hadoop.fs.s3a.{key}", value)
    session = builder.getOrCreate()
    files = session.read.format("binaryFile").option("pathGlobFilter", "*.mid").load(INPUT)
    few = files.where(files["length"] <= 1 << 20).select("path", "content")
    count = few.rdd.map(lambda row: len(row[1])).count()
    listed = len(files.where(files["length"] >= 0).select("path", "length").collect())
    s3a = session.sparkContext._jvm.org.apache.hadoop.fs.FileSystem.get(
        session.sparkContext._jvm.java.net.URI.create("s3a://songs/"), session.sparkContext._jsc.hadoopConfiguration()
    )
    print(f"reads {s3a.getScheme()}:// as well")
    s3a.close()
    session.stop()
    print(f"read {count} of {listed} files through Spark SQL")
    return 0 if count == listed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
