# Where Python packages are fetched; never published. `fetch-packages` fills the virtual environment /opt/venv.
ARG PYTHON
FROM $PYTHON
RUN install-packages python3-venv python3-pip python3-setuptools python3-wheel
COPY fetch-packages /usr/local/bin/fetch-packages
