#!/bin/bash
# Checks and tests the Pulumi program: installs its packages when they are missing or old, then tsc and jest.
# They are kept apart from the lab's own, which start without them. Arguments go to jest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

installed=node_modules/.installed-from
if ! cmp -s package-lock.json "$installed"; then
  echo "Installing the packages of platform/eks (once per change of its package-lock.json) ..." >&2
  # Their scripts would look for Pulumi's command line.
  npm install --no-save --no-fund --no-audit --ignore-scripts --loglevel=error >&2
  cp package-lock.json "$installed"
fi

cd ../..
export PATH=$PWD/node_modules/.bin:$PATH
tsc --project platform/eks
NODE_OPTIONS=--experimental-vm-modules exec jest --selectProjects eks "$@"
