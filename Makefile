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

# An upgrade of the system may take away the Python that an environment was made with: it is made anew then.
$(shell [ ! -e $(STAMP) ] || $(BIN)/python -c pass 2>/dev/null || rm -f $(STAMP))

# What is played longer than `make test` plays it takes longer than one of its tests may.
LONG := --timeout 7200

.PHONY: setup run demo test check format bench faults sim audit lock clean

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

# What `make test` plays of it, and more: power cuts, kills, full disks, stores and receivers that fail, with real parts.
faults: setup
	TOCSIN_REQUIRE_REAL_PARTS=1 TOCSIN_CUTS=$(if $(QUICK),100,2000) $(BIN)/python -m pytest $(LONG) -n $(WORKERS) --dist worksteal -q \
	  tests/real/test_power_cut.py tests/real/test_daemon.py tests/real/test_postgres_run.py tests/real/test_whole_way.py \
	  tests/agent/storage/test_database.py tests/agent/http/test_patience.py tests/escalation/notifiers

# Many more of the random lives, outages and malformed messages of which `make test` plays some.
sim: setup
	TOCSIN_LIVES=$(if $(QUICK),50,400) TOCSIN_MALFORMED=$(if $(QUICK),5000,50000) \
	  $(BIN)/python -m pytest $(LONG) -n $(WORKERS) --dist worksteal -q tests/properties

# Known vulnerabilities of what is locked; ends with 1 also where it cannot look (needs PyPI).
audit: setup
	$(BIN)/uv tool run pip-audit --strict --no-deps --disable-pip -r requirements.lock

# Rewrites requirements.lock from pyproject.toml (needs the network).
lock: setup
	$(BIN)/uv export --all-extras --no-extra encoder --all-groups --no-emit-project --no-header -o requirements.lock -q
	rm -f uv.lock

clean:
	rm -rf $(VENV)
