# On Linux and macOS: `make demo` shows what this does, `make test` checks it. Both make .venv and install into it,
# again only after pyproject.toml has changed. Use another Python with `make PYTHON=/path/to/python3 demo`.

# The first Python that is new enough; failing that python3, which scripts/check_python.py then says no to.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && exit; \
	done; echo python3)
VENV := .venv
# One more than there are processors: tests of the window wait now and then.
WORKERS := $(shell python3 -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))' 2>/dev/null || echo 2)
RUN := $(VENV)/bin/python

.PHONY: help demo test libraries
.DELETE_ON_ERROR:

help:
	@echo "make demo    install, and open the window on the demo clip (without a display: run the command on it)"
	@echo "make test    install, and run the linters, the check of types and the tests"

demo: libraries $(VENV)/.installed
	$(RUN) app.py demo

test: libraries $(VENV)/.installed-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(RUN) -m mypy
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile

# Names the system libraries that are missing, and installs them where it may (root, apt); quick when there are none.
libraries: $(VENV)/.made
	@$(RUN) scripts/qt_libraries.py

# The stamps are written last, so that whatever was interrupted is done again.
$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null || { echo "No Python found: install Python 3.11 or newer." >&2; exit 1; }
	@"$(PYTHON)" scripts/check_python.py
	"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.made
	@echo "Installing; with torch and Qt that is several gigabytes the first time, and takes a few minutes."
	$(RUN) -m pip install --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/.made
	@echo "Installing; with torch and Qt that is several gigabytes the first time, and takes a few minutes."
	$(RUN) -m pip install --disable-pip-version-check -e ".[test]"
	@touch $(VENV)/.installed $@
