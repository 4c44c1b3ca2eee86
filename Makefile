# Needs Python 3.11 or newer and nothing else; the second time every target starts at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check audit format coverage messages screenshots bench soak chaos overload failover \
    restore-check release-check licences stuck fuzz clean

help:
	@echo "make demo    everything on this machine, with a sandbox Braze and a sandbox Komo hub"
	@echo "make test    every check and test"
	@echo "make coverage  the same, and which lines no test has reached"
	@echo "make check   the linter, the types, and known vulnerabilities where their list can be reached"
	@echo "make audit   known vulnerabilities of the libraries; fails where their list can't be reached"
	@echo "make format  lay the code out"
	@echo "make messages  gather the texts of the pages for their translation, and compile it"
	@echo "make screenshots  take the pictures of the README anew"
	@echo "make bench   measure beside the baselines"
	@echo "make soak    100,000 submissions through the running system while workers die"
	@echo "make chaos   ten minutes of kills, outages and storms, and then the ledger"
	@echo "make overload  two minutes of a thousand connections, slow ones among them"
	@echo "make restore-check  a backup while everything runs, everything killed, a restore, and what Braze has then"
	@echo "make release-check  install the built wheel elsewhere, and bring a submission through its demo"
	@echo "make licences  renew the list of licences in docs"
	@echo "make stuck   what becomes of processes that live but do not work; eight minutes"
	@echo "make failover  primaries, brokers and hosts are killed and frozen (wants redis-server and rabbitmq-server)"
	@echo "make fuzz    a million broken inputs for everything that reads what others wrote"
	@echo "make clean   remove the virtual environment and what checks leave behind"

demo: $(VENV)/.for-use
	@exec $(BIN)/komo-braze demo $(ARGS)

test: check $(VENV)/.machine
	$(BIN)/python -m pytest $(ARGS)

coverage: check $(VENV)/.machine
	$(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

check: $(VENV)/.for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.audit --if-reachable

audit: $(VENV)/.for-tests
	$(BIN)/python -m tests.audit

format: $(VENV)/.for-tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/.for-tests
	$(BIN)/pybabel -q extract -F pyproject.toml -k many:1,2 -k later --no-wrap --sort-output --no-location \
	    -o $(VENV)/messages.pot .
	$(BIN)/pybabel -q update -i $(VENV)/messages.pot -d ingest/translations --no-fuzzy-matching --ignore-obsolete \
	    --no-wrap --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -d ingest/translations

screenshots: $(VENV)/.for-tests $(VENV)/.machine
	$(BIN)/python -m tests.screenshots

bench: $(VENV)/.for-tests $(VENV)/.machine
	$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(VENV)/.for-tests $(VENV)/.machine
	$(BIN)/python -m tests.benchmarks.soak $(ARGS)

chaos: $(VENV)/.for-tests $(VENV)/.machine
	$(BIN)/python -m tests.chaos $(ARGS)

overload: $(VENV)/.for-tests $(VENV)/.machine
	$(BIN)/python -m tests.overload $(ARGS)

restore-check: $(VENV)/.for-tests
	$(BIN)/python -m tests.restore_check $(ARGS)

release-check: $(VENV)/.for-tests
	$(BIN)/python -m tests.release_check

licences: $(VENV)/.for-tests
	$(BIN)/python -m tests.licences

stuck: $(VENV)/.for-tests $(VENV)/.machine
	$(BIN)/python -m tests.stuck $(ARGS)

failover: $(VENV)/.for-tests $(VENV)/.machine
	$(BIN)/python -m tests.failover $(ARGS)

fuzz: $(VENV)/.for-tests $(VENV)/.machine $(VENV)/fuzz/.made
	$(BIN)/python -m tests.fuzz $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	    { echo "The virtual environment can't be made (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/.for-use: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing into $(VENV) ..."
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.for-tests: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing into $(VENV), with what the tests need ..."
	@$(INSTALL) --editable '.[test,dev]'
	@touch $@ $(VENV)/.for-use

# Of its own, so that what it brings along stays out of the tests.
$(VENV)/fuzz/.made: $(VENV)/.made constraints.txt
	@echo "Installing into $(VENV)/fuzz ..."
	@$(PYTHON) -m venv $(VENV)/fuzz
	@$(VENV)/fuzz/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt schemathesis
	@touch $@

$(VENV)/.machine: $(VENV)/.made tests/machine.sh
	@tests/machine.sh
	@touch $@
