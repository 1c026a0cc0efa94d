# Spark and the Python packages of ingest, with an archive of loaded classes from which every Java process starts with
# little more than half the work.
ARG FETCHED
ARG JAVA
FROM $FETCHED AS fetched

FROM $JAVA
COPY --from=fetched /opt/venv /opt/venv
ENV SPARK_HOME=/opt/venv/lib/python3.11/site-packages/pyspark \
  SPARK_CLASSES=/opt/spark/classes.jsa \
  PYSPARK_PYTHON=/opt/venv/bin/python3
COPY spark-java /usr/local/bin/spark-java
COPY spark-submit /opt/venv/lib/python3.11/site-packages/pyspark/bin/spark-submit
COPY entrypoint.sh /app/entrypoint.sh
COPY rehearsal.py kubernetes_stub.py sql_check.py archive-classes /opt/spark/
RUN /opt/spark/archive-classes "$SPARK_CLASSES" && rm -rf /tmp/* /run/secrets
ENTRYPOINT ["/app/entrypoint.sh"]
