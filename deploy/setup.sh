#!/usr/bin/env bash
# Makes the environment in $VENV from requirements.lock; called by `make setup`, safe to repeat.
set -euo pipefail
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

say() { printf 'setup: %s\n' "$*" >&2; }

command -v "$PYTHON" >/dev/null || { say "no $PYTHON on the PATH: apt-get install python3"; exit 1; }
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "$PYTHON is $("$PYTHON" -V 2>&1), Tocsin needs 3.11 or newer; name another one: make PYTHON=python3.12 …"; exit 1; }
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || {
    say "$PYTHON cannot make environments: apt-get install python3-venv"; exit 1; }

"$VENV/bin/python" -c pass 2>/dev/null || {
    say "making $VENV"
    # One whose Python an upgrade of the system has taken away is made anew.
    "$PYTHON" -m venv $([ ! -f "$VENV/pyvenv.cfg" ] || echo --clear) "$VENV"; }
# A setup that was cut off here left an environment without pip.
"$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >/dev/null
if "$VENV/bin/python" -m pip install -q --disable-pip-version-check uv 2>/dev/null; then
    "$VENV/bin/uv" pip sync -q --python "$VENV/bin/python" requirements.lock
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >/dev/null
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check uv
    "$VENV/bin/uv" pip install -q --python "$VENV/bin/python" --no-deps --no-build-isolation -e .
else
    say "uv is not to be had, using plain pip"
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
touch "$VENV/.installed"
say "ready"
