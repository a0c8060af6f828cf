# One word each. `make` alone prints this list; every target sets up what it needs.

# What an operator may override: `make demo PORT=9000 DIR=/srv/demo`.
DIR       ?= data/demo
PORT      ?= 8080
FAST_PORT ?= 8081
# What a developer may add: `make test ARGS="-k book -x"`.
ARGS      ?=

# The first Python that runs, is new enough (3.11 is what we test with) and can make virtual environments; else the first
# that is new enough, so that `setup` can say what it lacks. Debian's own comes before one that somebody built by hand: it
# is compiled with profile-guided optimisation, and takes a tenth less time for an order.
PYTHON ?= $(shell for needs in ensurepip,venv sys; do \
	for python in /usr/bin/python3.11 python3.11 python3.14 python3.13 python3.12 python3; do \
		$$python -c "import sys, $$needs; sys.exit(sys.version_info < (3, 11))" 2>/dev/null \
		&& command -v $$python && exit; done; done)

BIN   := .venv/bin
PIP   := $(BIN)/python -m pip install --quiet --disable-pip-version-check
STAMP := .venv/.stamp
CODE  := exchange tui tests bench release

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench nightly format lock sbom release-check release-sign clean

help:  ## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r word does; \
	do printf 'make %-14s%s\n' "$$word" "$$does"; done

setup: $(STAMP)  ## make .venv with every pinned package, and .venv/bin/exchange

# Runs again only when a pin or the project file changes. Hashes are required, and the
# project itself is linked, not copied, so that an edit counts at once.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. On Debian 12: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	$(PIP) --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(PIP) --no-build-isolation --no-deps -e .
	@touch $@

demo: setup  ## run a furnished exchange to look at, on ports 8080 and 8081
	$(BIN)/exchange demo --dir $(DIR) --port $(PORT) --fast-port $(FAST_PORT) $(ARGS)

test: setup  ## run the tests, on all cores
	$(BIN)/python -m pytest -n auto $(ARGS)

check: setup  ## lint, format, types and walls, without changing a file
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

bench: setup  ## measure, and print the figures beside their budgets
	$(BIN)/python -m bench $(ARGS)

# How much of each is tried can be set: see docs/reliability.md. What was measured stands in build/nightly.xml.
nightly: setup  ## run the long tests too: more seeds, more kills, more hours
	NIGHTLY=1 $(BIN)/python -m pytest -n auto -o faulthandler_timeout=0 -o junit_logging=system-out \
		--junitxml=build/nightly.xml $(ARGS)

format: setup  ## put every file into the one format, and fix what can be fixed
	$(BIN)/ruff check --fix-only $(CODE)
	$(BIN)/ruff format $(CODE)

# --upgrade takes the newest of what pyproject.toml leaves open. No address goes into the file.
lock: setup  ## write requirements.lock and the pins of the tests' clients anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --upgrade --no-annotate --no-emit-find-links --quiet \
		--custom-compile-command "make lock" --output-file requirements.lock
	for pins in tests/clients/environments/*.in; do \
		$(BIN)/uv pip compile "$$pins" --universal --python-version 3.11 \
			--generate-hashes --upgrade --no-annotate --no-emit-find-links --quiet \
			--custom-compile-command "make lock" --output-file "$${pins%.in}.txt" || exit 1; \
	done

sbom: setup  ## list every package of the lock file with version, hashes and licence (CycloneDX)
	$(BIN)/python -m release.sbom requirements.lock dist/sbom.cdx.json

release-check: setup  ## go through a release: tree, version, changelog, lock, tests, wheel, fresh install, SBOM
	$(BIN)/python -m release.check $(ARGS)

# KEY is a file, or the public half of a key that an ssh-agent has. A passphrase is asked for, and never a word of this line.
release-sign: setup  ## sign what is in dist/: make release-sign KEY=/path/to/release.key
	@$(BIN)/python -m release.sign "$(KEY)" dist

clean:  ## remove .venv, builds and caches; data/ stays
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
