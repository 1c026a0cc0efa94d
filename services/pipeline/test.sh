#!/bin/bash
# Checks and tests all Python: makes the virtual environment when it is missing, then ruff and pytest.
# Arguments go to pytest: `./test.sh -k midi`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

venv=$(./environment.sh)

# The tests start a PostgreSQL of their own.
if [[ ! -x /usr/lib/postgresql/15/bin/initdb ]] && ! command -v initdb >/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL 15" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 >&2
  else
    echo "Cannot test: no PostgreSQL server is installed; install it (sudo apt-get install postgresql-15)" >&2
    exit 2
  fi
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/divergence
export PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1 PYSPARK_PYTHON=$venv/bin/python RUFF_CACHE_DIR=$cache/ruff \
  HYPOTHESIS_STORAGE_DIRECTORY=$cache/hypothesis
"$venv/bin/ruff" check --quiet .
"$venv/bin/ruff" format --check --quiet .
exec "$venv/bin/python" -m pytest "$@"
