# The Python packages of the recommender, and of the migrations that run from the same image.
ARG PYTHON_BUILD
ARG TELEMETRY
ARG PYTHON
FROM $PYTHON_BUILD AS fetched
COPY machine/ /machine/
COPY requirements.txt /requirements.txt
RUN fetch-packages /requirements.txt

FROM $TELEMETRY AS telemetry

FROM $PYTHON
COPY --from=fetched /opt/venv /opt/venv
COPY --from=telemetry /opt/venv/lib/ /opt/venv/lib/
