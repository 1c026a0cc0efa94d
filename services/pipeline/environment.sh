#!/bin/bash
# Makes a Python environment when it is missing, and prints its folder. $1: requirements; without it, those of the tests.
set -euo pipefail
wanted=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/requirements-dev.txt}")
cd "$(dirname "${BASH_SOURCE[0]}")"

python=${PYTHON:-python3.11}
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || {
  echo "Cannot test: $python is older than Python 3.11; set PYTHON to a newer one" >&2
  exit 2
}

version=$("$python" -c 'import sys; print(*sys.version_info[:3], sys.prefix)')
hash=$(cat "$wanted" requirements-*.txt <(echo "$version") | sha256sum | cut -c1-16)
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
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >&2
    touch "$venv/.complete"
  fi
) 9>"$cache/venv.lock"
echo "$venv"
