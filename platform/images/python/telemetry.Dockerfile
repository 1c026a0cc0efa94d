# Where the packages of traces and error events are fetched, for both Python images; never published. Apart from Spark,
# which takes minutes to fetch.
ARG PYTHON_BUILD
FROM $PYTHON_BUILD
COPY machine/ /machine/
COPY requirements.txt /requirements.txt
RUN fetch-packages /requirements.txt
