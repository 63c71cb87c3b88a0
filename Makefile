# The two commands of the README, and the benchmarks. Everything happens inside .venv.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test bench study lock clean

demo: $(READY)
	@mkdir -p demo-out
	$(BIN)/ganbench score examples/wgan.tgz --json demo-out/scorecard.json --csv demo-out/scorecard.csv \
		--markdown demo-out/scorecard.md --per-image demo-out/per-image.csv

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n 2

bench: $(READY)
	$(BIN)/python benchmarks/score.py
	$(BIN)/python benchmarks/detect.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/gradnorm.py
	$(BIN)/python benchmarks/inception.py

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
lock: $(READY)
	$(BIN)/uv pip compile --quiet pyproject.toml --universal --all-extras --python-version 3.10 --upgrade \
		--no-header --no-annotate --no-emit-index-url -o constraints.txt

clean:
	rm -rf .venv demo-out dist
