"""Spark for one short batch.

What makes a job of seconds quick is set here, for every place it runs in. What depends on the place (master, image,
namespace, number and size of executors, where an object store is) comes from `$SPARK_CONF_DIR/spark-defaults.conf`, and
how Java itself is run from whoever starts it. No setting is in two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark import SparkContext

Work = Callable[[Iterable[Any]], Iterator[Any]]
"""What is done with the rows of one partition."""

OnExecutors = Callable[[str, Work], Work]
"""Gives work that executors do a name to be seen by."""


def unseen(_name: str, work: Work) -> Work:
    return work


SETTINGS = {
    "spark.eventLog.enabled": "false",
    # Do not hold a task back to wait for a better place: every executor sees every file.
    "spark.locality.wait": "0",
    "spark.python.worker.reuse": "true",
    # All executors first, then the work: a stage planned for one of two would leave the other idle.
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "30s",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def start_spark(application: str = "ingest") -> SparkContext:
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415 - a mistake in a variable is told without it

    spark = SparkContext(conf=SparkConf().setAppName(application).setAll(list(SETTINGS.items())))
    spark.setLogLevel("WARN")
    return spark
