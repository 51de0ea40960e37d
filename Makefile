# Every target sets up what it needs. PYTHON may name another interpreter (3.11 or later).
PYTHON ?= python3
BIN := .venv/bin
STAMPS := .build

.PHONY: setup demo test lint format bench native contracts clean

setup: $(STAMPS)/python $(STAMPS)/npm $(STAMPS)/solc native contracts

$(STAMPS)/python: pyproject.toml requirements.lock
	@mkdir -p $(STAMPS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	$(BIN)/python scripts/venv_environment.py .
	@touch $@

$(STAMPS)/npm: package.json package-lock.json
	@mkdir -p $(STAMPS)
	# Not `npm ci`: it refuses a lock that leaves out the optional builds for other systems, which npm itself wrote so.
	npm install --no-save --no-audit --no-fund --silent
	@touch $@

$(STAMPS)/solc: $(STAMPS)/python $(STAMPS)/npm scripts/install_solc.py scripts/solc_from_npm.py scripts/solc_from_npm.js
	rm -rf .solc
	$(BIN)/python scripts/install_solc.py .solc node_modules
	@touch $@

clean:
	rm -rf .venv .solc .build .cache node_modules
