#!/bin/bash
# Makes a Python environment when it is missing, and prints its folder. $1: requirements; without it, those of the tests.
set -euo pipefail
wanted=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/requirements-dev.txt}")
cd "$(dirname "${BASH_SOURCE[0]}")"

cannot() {
  echo "Cannot make a Python environment: $1" >&2
  exit 2
}

# Python itself, or the part of it that makes environments, which Debian has apart.
install() {
  local otherwise="install it (sudo apt-get install $*), or set PYTHON to one that has it"
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || cannot "$missing; $otherwise"
  echo "Installing $*" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

if [[ -n ${PYTHON:-} ]]; then
  python=$PYTHON
  command -v "$python" >/dev/null || cannot "PYTHON is '$python', and there is no such command"
else
  python=python3.11
  command -v "$python" >/dev/null || python=python3
  if ! command -v "$python" >/dev/null; then
    missing='there is no python3'
    install python3 python3-venv
  fi
fi
version=$("$python" -c 'import sys; print(*sys.version_info[:2], sep=".")')
if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))'; then
  cannot "$python is Python $version, older than 3.11; set PYTHON to a newer one"
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  missing="$python has no module ensurepip"
  install "python$version-venv"
fi

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
