# Spark and the Python packages of ingest, with an archive of loaded classes from which every Java process starts with
# little more than half the work.
ARG FETCHED
ARG TELEMETRY
ARG S3A
ARG JAVA
FROM $FETCHED AS fetched

FROM $TELEMETRY AS telemetry

FROM $S3A AS s3a

FROM $JAVA
COPY --from=fetched /opt/venv /opt/venv
COPY --from=telemetry /opt/venv/lib/ /opt/venv/lib/
COPY --from=s3a /opt/spark/file-systems /opt/spark/file-systems
ENV SPARK_HOME=/opt/venv/lib/python3.11/site-packages/pyspark \
  SPARK_CLASSES=/opt/spark/classes.jsa \
  PYSPARK_PYTHON=/opt/venv/bin/python3
COPY spark-java /usr/local/bin/spark-java
COPY spark-submit /opt/venv/lib/python3.11/site-packages/pyspark/bin/spark-submit
COPY entrypoint.sh /app/entrypoint.sh
COPY archive-classes rehearsal.py rehearsal_api.py sql_check.py /opt/spark/
# The part of the package that runs on Spark, to rehearse with.
COPY pipeline/ /tmp/pipeline/
RUN PYTHONPATH=/tmp /opt/spark/archive-classes "$SPARK_CLASSES" && rm -rf /tmp/* /run/secrets
ENTRYPOINT ["/app/entrypoint.sh"]
