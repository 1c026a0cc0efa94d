#!/bin/bash
# Checks and tests all Python: makes the virtual environment when it is missing, then ruff and pytest.
# Arguments go to pytest: `./test.sh -k midi`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

python=${PYTHON:-python3.11}
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || {
  echo "Cannot test: $python is older than Python 3.11; set PYTHON to a newer one" >&2
  exit 2
}

version=$("$python" -c 'import sys; print(*sys.version_info[:3], sys.prefix)')
hash=$(cat requirements-*.txt <(echo "$version") | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/divergence
venv=$cache/venv-$hash
mkdir -p "$cache"
# One maker at a time; a half-made environment lacks the mark and is made again.
(
  flock 9
  if [[ ! -e $venv/.complete ]]; then
    echo "Making the Python environment $venv" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements-dev.txt
    touch "$venv/.complete"
  fi
) 9>"$cache/venv.lock"

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

export PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1 PYSPARK_PYTHON=$venv/bin/python RUFF_CACHE_DIR=$cache/ruff \
  HYPOTHESIS_STORAGE_DIRECTORY=$cache/hypothesis
"$venv/bin/ruff" check --quiet .
"$venv/bin/ruff" format --check --quiet .
exec "$venv/bin/python" -m pytest "$@"
