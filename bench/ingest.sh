#!/bin/bash
# How ingest reads and compares songs, side by side with the original's method: same files, same cores, one run.
#
#   bench/ingest.sh                    1,000 files
#   bench/ingest.sh --files 11133      the full set
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pipeline=$here/../services/pipeline
venv=$("$pipeline/environment.sh" "$here/ingest-requirements.txt")
export PYTHONPATH=$pipeline PYTHONDONTWRITEBYTECODE=1 PYSPARK_PYTHON=$venv/bin/python
exec "$venv/bin/python" "$here/ingest.py" "$@"
