"""Runs a small batch the way a cluster runs it, so that Java can list the classes a real one loads.

It is the way of `pipeline.ingest` up to the database. The driver runs in client mode against `rehearsal_api.py`, which
starts the executor that Spark asks for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.extract import extract
from pipeline.similarity import find_neighbours
from pipeline.spark import start_spark
from pipeline.transform import to_catalogue

from rehearsal_api import DRIVER_POD, HOST, NAMESPACE, RehearsalApi

INPUT = "file:///usr/share/games/openttd/baseset/openmsx"

EXECUTOR = """\
apiVersion: v1
kind: Pod
metadata: { labels: { service: ingest } }
spec:
  securityContext: { runAsUser: 10001 }
  containers:
    - name: executor
      env: [{ name: GROUP, value: rehearsal }]
"""


def settings(url: str, template: Path) -> dict[str, str]:
    """As platform/manifests/spark-config.ts sets them, as far as they decide which classes are loaded."""
    return {
        "spark.master": f"k8s://{url}",
        "spark.submit.deployMode": "client",
        "spark.driver.host": HOST,
        "spark.executor.instances": "1",
        "spark.executor.cores": "1",
        "spark.executor.memory": "512m",
        "spark.kubernetes.allocation.batch.delay": "500ms",
        "spark.kubernetes.container.image": "rehearsal",
        "spark.kubernetes.driver.pod.name": DRIVER_POD,
        "spark.kubernetes.executor.podTemplateContainerName": "executor",
        "spark.kubernetes.executor.podTemplateFile": str(template),
        "spark.kubernetes.executor.request.cores": "50m",
        "spark.kubernetes.namespace": NAMESPACE,
    }


def main() -> int:
    with TemporaryDirectory() as folder, RehearsalApi() as kubernetes:
        template = Path(folder, "executor.yaml")
        template.write_text(EXECUTOR)
        lines = [f"{key} {value}\n" for key, value in settings(kubernetes.url, template).items()]
        Path(folder, "spark-defaults.conf").write_text("".join(lines))
        os.environ["SPARK_CONF_DIR"] = folder
        spark = start_spark("rehearsal")
        java = spark._gateway.proc
        catalogue = to_catalogue(extract(spark, INPUT, tasks_at_least=2))
        neighbours = find_neighbours(spark, set(), sorted(catalogue.instrument_sets()), tasks=2)
        spark.stop()
        # Java has listed its last class when it ends, which it does when this pipe is closed.
        java.stdin.close()
        java.wait(timeout=120)
    print(f"rehearsed with {len(catalogue.songs)} songs and {len(neighbours)} pairs of similar sets")
    return 0 if catalogue.songs and not catalogue.damaged and neighbours else 1


if __name__ == "__main__":
    sys.exit(main())
