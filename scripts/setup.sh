#!/bin/sh
# Installs from npm what is missing, so that a fresh clone needs one command only. Silent and
# offline once installed: the lock file is older than what npm wrote after the last install.
set -eu
cd "$(dirname "$0")/.."
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  # npm would empty the folder that a link leads to.
  if [ -L node_modules ]; then
    echo "node_modules is a link, and older than the lock file. Remove it, so that a folder takes its place." >&2
    exit 1
  fi
  echo "Installing from npm (once) …" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
