# The commands of the README, the checks of CONTRIBUTING.md, and the benchmarks. Everything happens inside .venv.

PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/.ready

.PHONY: demo test test-fast test-lowest lint portable docs wheel-check bench faults study lock clean

demo: $(READY)
	@mkdir -p demo-out
	$(BIN)/ganbench score examples/wgan.tgz --json demo-out/scorecard.json --csv demo-out/scorecard.csv \
		--markdown demo-out/scorecard.md --per-image demo-out/per-image.csv

# make test PYTEST=--cov measures coverage too, and fails below the floor in pyproject.toml.
test: lint
	$(BIN)/python -m pytest -q -n 2 $(PYTEST)

# What is not marked slow: two minutes on two cores.
test-fast: $(READY)
	$(BIN)/python -m pytest -q -n 2 -m "not slow" $(PYTEST)

# The fast tests with the oldest Python and the oldest versions that pyproject.toml allows, in an environment of their own.
LOWEST_PYTHON ?= python3.10
test-lowest: $(READY)
	@mkdir -p build
	$(BIN)/uv pip compile --quiet pyproject.toml --extra mlflow --extra openvino --extra ray --extra tensorboard --extra torchmetrics --extra wandb \
		--python $(LOWEST_PYTHON) --resolution lowest-direct --no-header --no-annotate -o build/lowest.txt
	$(BIN)/uv venv --quiet --clear --python $(LOWEST_PYTHON) .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest --constraint build/lowest.txt --editable '.[dev]'
	$(subst .venv,.venv-lowest,$(BIN))/python -m pytest -q -n 2 -m "not slow" $(PYTEST)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# What a type checker can say about systems that are not at hand.
portable: $(READY)
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The wheel in an empty environment, from another folder, without a network: the demo and the literal commands.
wheel-check: $(READY)
	$(BIN)/python .ci/wheel_check.py

bench: $(READY)
	$(BIN)/python benchmarks/score.py
	$(BIN)/python benchmarks/detect.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/gradnorm.py
	$(BIN)/python benchmarks/vitals.py
	$(BIN)/python benchmarks/inception.py

# Hostile, odd and unlucky input, made from a seed: docs/faults.md. A long run.
faults: $(READY)
	$(BIN)/python benchmarks/faults.py

# The study of docs/benchmark.md, on your faces: make study DATA=faces.zip. About an hour and a half on two cores; goes on where it was.
study: $(READY)
	$(BIN)/ganbench bench examples/study.toml --data $(DATA) --resize 64 --limit 18000 --out study --jobs 2

# uv, because it installs the constraints file in seconds and shares files between virtual environments.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	touch $@

# Renew constraints.txt: the versions that the tests run against, for every supported Python.
# make lock UPGRADE= keeps the versions that are there, and adds only what is new.
UPGRADE := --upgrade
lock: $(READY)
	$(BIN)/uv pip compile --quiet pyproject.toml --universal --all-extras --python-version 3.10 $(UPGRADE) \
		--no-header --no-annotate --no-emit-index-url -o constraints.txt

clean:
	rm -rf .venv .venv-lowest build demo-out dist
