# make run: start everything.  make test: the whole suite.  Both set themselves up on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where this is set, every process compiles all it imports anew: four seconds of a core instead of one.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint style types check migrations bench proof soak openapi pictures screenshots clean

run: $(VENV)/.runtime
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@$(BIN)/python manage.py demo --unless-production
	@GATEWAY_PROCESS=signer $(BIN)/python manage.py fill_address_pool > /dev/null || echo "Starting without new addresses."
	@exec $(BIN)/python -m gateway.run

test: $(VENV)/.development
	@env -u DATA_DIR -u PORT $(BIN)/python -m gateway.suite

# The parts of both share nothing: `make -j2 check` does two at a time.
lint: style types

style: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/lint-imports

types: $(VENV)/.development
	$(BIN)/mypy .

check: lint migrations

migrations: $(VENV)/.development
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m gateway.check_deploy
	$(BIN)/python -m gateway.check_migrations

bench: $(VENV)/.development
	$(BIN)/python -m bench

# All experiments of docs/proof.md, 80 minutes on two cores; `make proof ONLY="kill-web doors"` runs some.
proof: $(VENV)/.proof
	@env -u DATA_DIR -u PORT $(BIN)/python -m proof $(ONLY)

soak: $(VENV)/.proof
	@env -u DATA_DIR -u PORT $(BIN)/python -m proof soak

openapi: $(VENV)/.development
	$(BIN)/python manage.py freeze_openapi

pictures: $(VENV)/.development
	@env -u DATA_DIR -u PORT $(BIN)/python -m tests.pictures

screenshots: $(VENV)/.development
	@env -u DATA_DIR -u PORT $(BIN)/python -m tests.screenshots

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what requirements.txt names (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.development: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing what requirements-dev.txt names (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime

$(VENV)/.proof: requirements-proof.txt | $(VENV)/.development
	@echo "Installing what requirements-proof.txt names (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-proof.txt
	@touch $@

clean:
	rm -rf $(VENV) var
