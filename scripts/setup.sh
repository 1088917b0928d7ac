#!/bin/sh
# Installs from npm what is missing, so that a fresh clone needs one command only. Silent and
# offline once installed: the lock file is older than what npm wrote after the last install.
set -eu
cd "$(dirname "$0")/.."
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing from npm (once) …" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
