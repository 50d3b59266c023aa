# Two commands do all the set-up: `make demo` and `make test`. Each creates .venv
# from this project's own files; a second call only checks a stamp and is fast.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LITELLM_VENV  := .venv-litellm
LITELLM_BIN   := $(LITELLM_VENV)/bin
LITELLM_STAMP := $(LITELLM_VENV)/.installed

.PHONY: demo test coverage test-slow test-others test-litellm lint format calibration bench clean

demo: $(STAMP)
	$(BIN)/contractcheck demo

# Two halves at once, of about the same length; the one that waits a lot is printed when it is done.
# They are jobs of make, not of the shell, which would have them ignore Ctrl-C.
SLOW := tests/integration tests/calibration tests/workflows
RUN  ?= $(BIN)/python
test: $(STAMP)
	@$(BIN)/python -m compileall -q contractcheck # else each process compiles it, with PYTHONDONTWRITEBYTECODE
	$(MAKE) --no-print-directory --keep-going --jobs=2 test-slow test-others

test-slow: $(STAMP)
	@log=$$(mktemp); $(RUN) -m pytest -p no:cacheprovider $(SLOW) >$$log 2>&1; \
	code=$$?; cat $$log; rm -f $$log; exit $$code

test-others: $(STAMP)
	@$(RUN) -m pytest -p no:cacheprovider $(SLOW:%=--ignore=%)

# Tracing every line takes more than twice the time, so it is a run of its own.
coverage: $(STAMP)
	$(BIN)/coverage erase
	$(MAKE) --no-print-directory RUN="$(BIN)/coverage run" test
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=85

# litellm pins an older openai than the other SDKs need: an environment of its own.
test-litellm: $(LITELLM_STAMP)
	CONTRACTCHECK_REQUIRE=litellm $(LITELLM_BIN)/python -m pytest -p no:cacheprovider tests/integration/test_record_replay_litellm.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --quiet .github/workflows

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

calibration: $(STAMP)
	$(BIN)/pytest -m calibration -s

clean:
	rm -rf $(VENV) $(LITELLM_VENV) .contractcheck dist .coverage*

# pip reads the PEP 735 groups itself (--group, pip >= 25.1), so the first step is a pip that can.
$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group test --group lint --group build
	touch $(STAMP)

$(LITELLM_STAMP): pyproject.toml
	test -x $(LITELLM_BIN)/python || $(PYTHON) -m venv $(LITELLM_VENV)
	$(LITELLM_BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(LITELLM_BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group litellm
	touch $(LITELLM_STAMP)
