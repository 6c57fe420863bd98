# Everything a newcomer needs is here: `make run` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 9099
PACK ?= iso20000-default
# One more than there are processors: many tests wait for a real part.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
STAMP := $(VENV)/.installed

.PHONY: setup run demo test check format bench lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash deploy/setup.sh

run: setup
	@$(BIN)/tocsin serve --web.listen-address 127.0.0.1:$(PORT) --pack $(PACK) --welcome

demo: setup
	@$(BIN)/python -m agent demo

test: setup check
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m benchmarks

# Rewrites requirements.lock from pyproject.toml (needs the network).
lock: setup
	$(BIN)/uv export --all-extras --no-extra encoder --all-groups --no-emit-project --no-header -o requirements.lock -q
	rm -f uv.lock

clean:
	rm -rf $(VENV)
