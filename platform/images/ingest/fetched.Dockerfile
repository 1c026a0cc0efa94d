# Where the Python packages of ingest are fetched and trimmed; never published.
ARG PYTHON_BUILD
FROM $PYTHON_BUILD
COPY machine/ /machine/
COPY requirements.txt /requirements.txt
COPY trim-spark /usr/local/bin/trim-spark
RUN fetch-packages /requirements.txt && trim-spark /opt/venv/lib/python3.11/site-packages/pyspark
