# Spark and the Python packages of ingest, with an archive of loaded classes that makes every Java process start in a
# third of the time.
ARG PYTHON_BUILD
ARG JAVA
FROM $PYTHON_BUILD AS fetched
COPY machine/ /machine/
COPY requirements.txt /requirements.txt
RUN fetch-packages /requirements.txt
COPY trim-spark /usr/local/bin/trim-spark
RUN trim-spark /opt/venv/lib/python3.11/site-packages/pyspark

FROM $JAVA
COPY --from=fetched /opt/venv /opt/venv
ENV SPARK_HOME=/opt/venv/lib/python3.11/site-packages/pyspark \
  SPARK_CLASSES=/opt/spark/classes.jsa \
  PYSPARK_PYTHON=/opt/venv/bin/python3
COPY spark-java /usr/local/bin/spark-java
COPY spark-submit /opt/venv/lib/python3.11/site-packages/pyspark/bin/spark-submit
COPY entrypoint.sh /app/entrypoint.sh
COPY rehearsal.py /opt/spark/
# A rehearsal with all the classes of a real run; it also proves that nothing Spark needs was trimmed.
RUN SPARK_RECORD_CLASSES=/opt/spark/classes.jsa python3 /opt/spark/rehearsal.py \
  && chmod 444 /opt/spark/classes.jsa && rm -rf /tmp/*
ENTRYPOINT ["/app/entrypoint.sh"]
