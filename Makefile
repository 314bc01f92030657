.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUESTION ?=

.PHONY: help setup demo test run lint bench lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.base ## make .venv with everything the service needs

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# mediapipe only carries the face models; what it asks for itself is not needed.
$(VENV)/.base: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -c requirements.lock -e .
	$(BIN)/python -m pip install -q --no-deps mediapipe==0.10.14
	@touch $@

# espnet names a setuptools older than torch needs, so it is installed without its own list;
# requirements-espnet.txt holds what it imports at run time.
$(VENV)/.test: $(VENV)/.base requirements-espnet.txt
	$(BIN)/python -m pip install -q -c requirements.lock torch setuptools
	$(BIN)/python -m pip install -q -c requirements.lock -e '.[neural,dev]' -r requirements-espnet.txt
	$(BIN)/python -m pip install -q -c requirements.lock --no-deps espnet espnet_tts_frontend espnet-g2p-en
	@touch $@

demo: setup ## a spoken Korean question becomes demo/reply.mp4
	$(BIN)/python -m bot.demo $(QUESTION)

# A process a room: the models that one leaves in memory are gone before the next.
test: $(VENV)/.test ## install everything and run all tests
	$(BIN)/python -m pytest --cov --cov-report= tests/bot tests/test_docs.py
	$(BIN)/python -m pytest --cov --cov-append --cov-report= --ignore=tests/media/train tests/media
	$(BIN)/python -m pytest --cov --cov-append --cov-report=term:skip-covered --cov-fail-under=90 tests/media/train

run: setup ## start the service on this machine (web and worker)
	$(BIN)/silverline up

lint: $(VENV)/.test ## ruff and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test ## every benchmark, one after another
	@for b in benchmarks/bench_*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

lock: $(VENV)/.test ## write requirements.lock anew from what is installed
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -v '^pip==' | sed 's/+cpu$$//' > requirements.lock

clean: ## remove what the commands made
	rm -rf $(VENV) var demo/reply.mp4
