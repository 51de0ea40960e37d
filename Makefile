# Every target sets up what it needs. PYTHON may name another interpreter (3.11 or later), CXX another C++ compiler.
PYTHON ?= python3
BIN := .venv/bin
NPM_BIN := node_modules/.bin
STAMPS := .build
NATIVE_SOURCES := setup.py $(wildcard agents/touchstone/machine/native/build.py agents/touchstone/machine/native/src/*)
SOLIDITY_SOURCES := $(shell find contracts -name '*.sol' -not -path '*/.cache/*')
PYTHON_CODE := agents scripts tests benchmarks simulation setup.py

.PHONY: operators help setup native contracts data demo examples test lint format bench campaign economics portable emulated wheel mutants clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMPS)/python $(STAMPS)/npm $(STAMPS)/solc native contracts data ## install every dependency, compile the runtime and the contracts

native: $(STAMPS)/native ## compile the native runtime

contracts: $(STAMPS)/contracts ## compile the contracts and export their artifacts to the Python package

data: $(STAMPS)/python ## download the data set of the vision examples and tests, if it can be reached
	@$(BIN)/python -m scripts.fashion_mnist || echo "The examples and tests that need it will fail and say so; everything else works."

demo: setup ## run the main job on a local chain: about three minutes
	$(BIN)/python -m scripts.demo

examples: setup ## have a market on a local chain do the job of every file in scripts/examples: about five minutes
	$(BIN)/python -m scripts.run_examples

test: setup ## run every test: under 25 minutes on two cores
	$(BIN)/python scripts/run_tests.py

lint: $(STAMPS)/python $(STAMPS)/npm ## check formatting, style and types
	$(BIN)/ruff format --check $(PYTHON_CODE)
	$(BIN)/ruff check $(PYTHON_CODE)
	$(BIN)/mypy
	$(NPM_BIN)/prettier --check --log-level warn 'contracts/**/*.sol' 'tests/forge/**/*.sol'
	$(NPM_BIN)/solhint --max-warnings 0 'contracts/**/*.sol'

format: $(STAMPS)/python $(STAMPS)/npm ## format everything
	$(BIN)/ruff check --fix-only --quiet $(PYTHON_CODE)
	$(BIN)/ruff format $(PYTHON_CODE)
	$(NPM_BIN)/prettier --write --log-level warn 'contracts/**/*.sol' 'tests/forge/**/*.sol'

bench: setup ## measure speed against PyTorch and the cost of checkpoints; writes benchmarks/results
	$(BIN)/python -m benchmarks

economics: $(STAMPS)/python ## simulate the market and write the figures, tables and plots of docs/economics: about two minutes
	$(BIN)/python -m simulation

campaign: setup ## play more than ten thousand disputes of captured programs; writes tests/dispute/campaign.json
	$(BIN)/python -m tests.dispute.campaign

portable: setup ## test the referee as compiled for chains without the CLZ opcode
	$(BIN)/python scripts/portable_contracts.py

emulated: setup ## hold the runtime compiled for aarch64 and riscv64 to its tests, under qemu: a few minutes, needs cross compilers
	$(BIN)/python scripts/emulated_processor.py

wheel: setup ## build dist/*.whl, which needs no compiler where it is installed, and check it in an environment of its own
	$(BIN)/python scripts/wheel.py

mutants: setup ## plant errors in the referee one by one and see that the tests catch each: about an hour
	$(BIN)/python scripts/mutate_contracts.py

operators: setup ## hold three samples a dtype of each entry of PyTorch's operator database against the machine: a quarter of an hour
	$(BIN)/python -m tests.capture.operator_database --samples 3

clean: ## remove everything that setup made
	rm -rf .venv .solc .build .cache .data dist node_modules

$(STAMPS)/python: pyproject.toml requirements.lock
	@mkdir -p $(STAMPS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	$(BIN)/python scripts/venv_environment.py .
	@touch $@

$(STAMPS)/native: $(STAMPS)/python $(NATIVE_SOURCES)
	$(BIN)/python agents/touchstone/machine/native/build.py
	@touch $@

$(STAMPS)/npm: package.json package-lock.json
	@mkdir -p $(STAMPS)
	# Not `npm ci`: it refuses a lock that leaves out the optional builds for other systems, which npm itself wrote so.
	npm install --no-save --no-audit --no-fund --silent
	rm -rf contracts/.cache/openzeppelin && mkdir -p contracts/.cache
	cp -R node_modules/@openzeppelin/contracts contracts/.cache/openzeppelin && rm -rf contracts/.cache/openzeppelin/build
	@touch $@

$(STAMPS)/solc: $(STAMPS)/python $(STAMPS)/npm scripts/install_solc.py scripts/solc_from_npm.py scripts/solc_from_npm.js
	rm -rf .solc
	$(BIN)/python scripts/install_solc.py .solc node_modules
	@touch $@

$(STAMPS)/contracts: $(STAMPS)/solc ape-config.yaml scripts/export_artifacts.py $(SOLIDITY_SOURCES)
	# --force: ape compiles again what changed and what that imports, but not what imports it.
	$(BIN)/ape compile --force
	$(BIN)/python scripts/export_artifacts.py
	@touch $@
