"""Runs a small batch the way a cluster runs it, so that Java can list the classes a real one loads.

The driver runs in client mode against `kubernetes_stub.py`, which starts the executor that Spark asks for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark import SparkConf, SparkContext

from kubernetes_stub import DRIVER_POD, HOST, NAMESPACE, KubernetesStub

INPUT = Path("/usr/share/games/openttd/baseset/openmsx")

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


def sizes(paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    return ((path, len(Path(path).read_bytes())) for path in paths)


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
        "spark.scheduler.minRegisteredResourcesRatio": "1",
        "spark.ui.enabled": "false",
    }


def main() -> int:
    with TemporaryDirectory() as folder, KubernetesStub() as kubernetes:
        template = Path(folder, "executor.yaml")
        template.write_text(EXECUTOR)
        lines = [f"{key} {value}\n" for key, value in settings(kubernetes.url, template).items()]
        Path(folder, "spark-defaults.conf").write_text("".join(lines))
        os.environ["SPARK_CONF_DIR"] = folder
        spark = SparkContext(conf=SparkConf().setAppName("rehearsal"))
        java = spark._gateway.proc
        paths = sorted(str(path) for path in INPUT.glob("*.mid"))
        read = spark.parallelize(paths, 2).mapPartitions(sizes).collect()
        known = spark.broadcast(dict(read))
        kinds = spark.parallelize(paths, 2).map(lambda path: (known.value[path] % 7, 1))
        grouped = kinds.reduceByKey(int.__add__).collect()
        known.unpersist()
        spark.stop()
        # Java has listed its last class when it ends, which it does when this pipe is closed.
        java.stdin.close()
        java.wait(timeout=120)
    print(f"rehearsed with {len(read)} files in {len(grouped)} groups")
    return 0 if len(read) == len(paths) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
