# Every target does its own set-up. It needs Python 3.10 or newer, git and make.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
DEMO := .cache/demo
DEMO_BIN := $(DEMO)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# One worker more than a small machine has cores: many tests wait, for a timeout or for rest. Tests
# that share an environment or a measured project stay on one worker.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadgroup

# The machine's own certificates, as pip takes them: a proxy may have signed what uv fetches.
export UV_SYSTEM_CERTS ?= 1

# Node and npm of our own, below .cache: systems carry older ones than the packaging runs on.
NODE_PATH_FIRST := PATH="$(CURDIR)/.cache/tools/node/bin:$$PATH"

.PHONY: demo test matrix verify lint format benchmark benchmark-lsp benchmark-extension benchmark-report extension page e2e clean

# Install into a virtual environment and measure the bundled example.
demo: $(DEMO)/installed
	cd examples/shop && ../../$(DEMO_BIN)/dagster-snapsize measure --python ../../$(DEMO_BIN)/python

# All tests that need neither root nor a browser, on the newest and the oldest Dagster.
test: .venv/installed
	$(PYTEST) -m "not matrix"

# The tests that run on every supported Dagster.
matrix: .venv/installed
	$(PYTEST) -m matrix

# Every text of every test project on every Dagster, made in Dagster's own way too and compared.
verify: .venv/installed
	$(PYTEST) -k "verified or shortcuts"

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Everything that docs/performance.md tells, in some twenty minutes on a machine with nothing else to do.
benchmark: .venv/installed
	$(BIN)/python benchmarks/run.py

benchmark-lsp: .venv/installed
	$(BIN)/python benchmarks/lsp.py

# Check, build and package the extension of VS Code: vscode-extension/build/*.vsix.
extension: .venv/installed
	tests/e2e/install-tools node
	cd vscode-extension && export $(NODE_PATH_FIRST) && npm ci --no-audit --no-fund && \
		npm run lint && npm run typecheck && npm test && \
		PYTHON=../$(BIN)/python npm run package

# Build the drawing of the HTML report into the Python package; it is committed.
page: .venv/installed
	tests/e2e/install-tools node
	cd vscode-extension && export $(NODE_PATH_FIRST) && npm ci --no-audit --no-fund && \
		npm run --silent page

# Try that package in a real VS Code, in a browser. As root on a Debian it installs what it lacks.
# With PICTURES=1 it keeps a picture of each state below .cache/e2e/screenshots.
e2e: extension
	tests/e2e/install-tools editor
	cd tests/e2e && export $(NODE_PATH_FIRST) && npm ci --no-audit --no-fund && \
		npm run lint && npm test

# How long the extension takes to activate, and until sizes are seen.
benchmark-extension: extension
	tests/e2e/install-tools editor
	cd tests/e2e && export $(NODE_PATH_FIRST) && npm ci --no-audit --no-fund && npm run benchmark

# How large the HTML report is, and how long it takes until it is drawn.
benchmark-report: .venv/installed
	tests/e2e/install-tools editor
	cd tests/e2e && export $(NODE_PATH_FIRST) && npm ci --no-audit --no-fund && \
		npm run --silent benchmark-report

clean:
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/installed: pyproject.toml | check-python
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable . --group dev
	touch $@

$(DEMO)/installed: pyproject.toml | check-python
	$(PYTHON) -m venv $(DEMO)
	$(DEMO_BIN)/python -m pip install --quiet --disable-pip-version-check ".[dagster]"
	touch $@

.PHONY: check-python
check-python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or newer is needed; set PYTHON=/path/to/it"; exit 1; }
