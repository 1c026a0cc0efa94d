#!/bin/bash
# Entry point of ingest's image. Spark's Kubernetes scheduler starts executors with the one argument `executor` and the
# rest in the environment; anything else is a command, such as `python3 -m pipeline.ingest`, which is the driver.
set -euo pipefail

if [[ ${1:-} != executor ]]; then exec "$@"; fi

: "${SPARK_DRIVER_URL:?}" "${SPARK_EXECUTOR_ID:?}" "${SPARK_EXECUTOR_CORES:?}" "${SPARK_EXECUTOR_MEMORY:?}" \
  "${SPARK_APPLICATION_ID:?}" "${SPARK_RESOURCE_PROFILE_ID:?}" "${SPARK_EXECUTOR_POD_IP:?}" "${SPARK_EXECUTOR_POD_NAME:?}"

# SPARK_JAVA_OPT_0, SPARK_JAVA_OPT_1, ...: one option of Java each, in this order.
options=()
for ((i = 0; ; i++)); do
  name=SPARK_JAVA_OPT_$i
  [[ -v $name ]] || break
  # The vector module is for machine learning, which is not there; each module makes the start slower.
  if [[ ${!name} != --add-modules=jdk.incubator.vector ]]; then options+=("${!name}"); fi
done

exec spark-java "${options[@]}" "-Xmx$SPARK_EXECUTOR_MEMORY" \
  org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
  --driver-url "$SPARK_DRIVER_URL" \
  --executor-id "$SPARK_EXECUTOR_ID" \
  --cores "$SPARK_EXECUTOR_CORES" \
  --app-id "$SPARK_APPLICATION_ID" \
  --hostname "$SPARK_EXECUTOR_POD_IP" \
  --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
  --podName "$SPARK_EXECUTOR_POD_NAME"
