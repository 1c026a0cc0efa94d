#!/bin/bash
# What traces and error events cost the recommender, each way of running it beside the others: same database, same
# requests, in turns. Needs PostgreSQL 15 on this machine, as the tests of services/pipeline do.
#
#   bench/pipeline-telemetry.sh               12 rounds
#   bench/pipeline-telemetry.sh --rounds 40
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pipeline=$here/../services/pipeline
venv=$("$pipeline/environment.sh")
export PYTHONPATH=$pipeline PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" "$here/pipeline_telemetry.py" "$@"
