# make run | test | check | bench | simulate | cluster | clean. Needs python3 (3.11 or newer) with venv, and make; each target installs the rest
# into its own virtual environment. ENVIVO_... variables reach the server: ENVIVO_PORT=9000 make run
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NEWEST := 3.13
NEWEST_VENV := .venv-$(NEWEST)
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# The versions of Python that the lock files are for; on others pip chooses among what pyproject.toml allows.
LOCKED := 3.11 3.12 3.13
# Three at a time on two cores: most of the tests wait for a process, a browser or a clock. A file's tests share their servers.
PYTEST := -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder
PYTEST_ARGS ?=
# The tests that run on either store, and those that are about PostgreSQL and Redis.
STORED := tests/storage tests/domains tests/wire tests/transports/test_conformance.py tests/faults/test_lost_postgres.py \
	tests/backplane tests/cluster tests/cli/test_cluster.py tests/browser/test_cluster_page.py tests/browser/test_several_nodes.py
ELSEWHERE := not postgres and not redis and not namespaces and not storms
BENCH_ARGS ?=
CLUSTER_ARGS ?=

# The newest supported Python, where there is one beside the default: on the PATH, or of pyenv.
NEWEST_PYTHON = $(firstword $(foreach candidate,python$(NEWEST) $(wildcard $(HOME)/.pyenv/versions/$(NEWEST).*/bin/python),\
	$(shell $(candidate) -c 'import sys, venv; sys.version_info[:2] == (3, 13) and print("$(candidate)")' 2>/dev/null)))
DEFAULT_VERSION = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# Where npm notes what it has installed.
NODE_PACKAGES := tests/js/node_modules/.package-lock.json

# Autobahn|Testsuite, which needs a Python 2.7: on the PATH, or of pyenv. It is told where its packages are.
AUTOBAHN_VENV := .venv-autobahn
AUTOBAHN := tests/transports/autobahn
AUTOBAHN_PYTHON = $(firstword $(foreach candidate,python2.7 $(wildcard $(HOME)/.pyenv/versions/2.7.*/bin/python),\
	$(shell $(candidate) -c 'import pip, sys; sys.version_info[:2] == (2, 7) and sys.stdout.write(sys.executable)' 2>/dev/null)))

# The maker of the lock files. It takes packages from where pip does, and writes nothing of where that is.
LOCK_VENV := .venv-lock
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK_VENV)/bin/uv pip compile --quiet --universal \
	--python-version $(firstword $(LOCKED)) --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate

# What `make bench` measures beside the program.
PEERS := tests/bench/peers
PEERS_NODE := $(PEERS)/node_modules/.package-lock.json
PEERS_VENV := .venv-bench
NCHAN := /usr/lib/nginx/modules/ngx_nchan_module.so

.PHONY: run test check lock bench bench-multitude bench-nodes bench-peers cluster simulate clean chromium databases node-packages autobahn \
	test-js test-newest test-postgres

run: $(VENV)/.run
	@$(BIN)/envivo serve

test: $(VENV)/.test chromium databases node-packages autobahn
	@failed=; \
	$(MAKE) --no-print-directory test-js || failed=1; \
	$(MAKE) --no-print-directory test-newest || failed=1; \
	echo "== tests with a second host, alone: a browser stops loading when the machine's networks change"; \
	$(BIN)/python -m pytest -m namespaces tests/faults tests/backplane || [ $$? = 5 ] || failed=1; \
	$(MAKE) --no-print-directory test-postgres || failed=1; \
	echo "== tests on Python $(DEFAULT_VERSION)"; \
	$(BIN)/python $(PYTEST) -m "$(ELSEWHERE)" $(PYTEST_ARGS) || failed=1; \
	echo "== lessons of the laboratory under many storms"; \
	$(BIN)/python -m pytest --numprocesses=2 --dist=load -m storms tests/lab || failed=1; \
	echo "== random scenarios in a simulated world"; \
	$(BIN)/envivo lab soak --seeds 500 || failed=1; \
	if [ -n "$$failed" ]; then echo "make test: something failed above"; exit 1; fi

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What is installed, to the file (its SHA-256): the newest that pyproject.toml allows, for all systems. hatchling, which
# installs the program itself, is among it. The lock of `make run` keeps to the versions that the tests have.
lock: $(LOCK_VENV)/.created
	@$(LOCK_VENV)/bin/python $(PIP_INSTALL) uv
	@$(COMPILE) --upgrade --extra test --output-file .ci/test.lock pyproject.toml
	@echo hatchling | $(COMPILE) --constraint .ci/test.lock --output-file .ci/run.lock pyproject.toml -

# make bench QUICK=1: in two to three minutes; make bench CURVES=1: the curves alone; BENCH_ARGS=--help tells the rest.
bench: $(VENV)/.run bench-peers
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(if $(CURVES),--curves) $(BENCH_ARGS)

# 100,000 WebSockets at once, which need as many file descriptors; BENCH_ARGS="--connections 10000" opens fewer.
bench-multitude: $(VENV)/.run
	@$(BIN)/python -m tests.bench.multitude $(BENCH_ARGS)

# One, two and four nodes on PostgreSQL and Redis, which it starts by itself, beside one on SQLite: in about six minutes.
bench-nodes: $(VENV)/.test databases
	@$(BIN)/python -m tests.bench.nodes $(BENCH_ARGS)

# Whatever cannot be installed is left out, and named when the benchmark begins. In runlevel 1 no service is started.
bench-peers:
	@$(MAKE) --no-print-directory --silent $(PEERS_VENV)/.peers || true
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory --silent $(PEERS_NODE) || true; \
	fi
	@if [ ! -e $(NCHAN) ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing nginx with nchan"; \
		install="env RUNLEVEL=1 apt-get install -y -q --no-install-recommends nginx-core libnginx-mod-nchan"; \
		{ $$install || { apt-get update -q && $$install; } || true; } >/dev/null; \
	fi

$(PEERS_NODE): $(PEERS)/package-lock.json
	@echo "installing the packages of $(PEERS)"
	@npm ci --prefix $(PEERS) --no-audit --no-fund --loglevel=error
	@touch $@

$(PEERS_VENV)/.peers: $(PEERS_VENV)/.created $(PEERS)/requirements.txt
	@echo "installing the Python peers of the benchmark into $(PEERS_VENV)"
	@grep -v '^#' $(PEERS)/requirements.txt | while read -r package; do \
		$(PEERS_VENV)/bin/python $(PIP_INSTALL) "$$package" || echo "$$package cannot be installed: it is left out"; \
	done
	@touch $@

# make cluster MINUTES=30: random faults under load for so long, and what the checker says to it; CLUSTER_ARGS=--help
# tells the rest.
cluster: $(VENV)/.test
	@$(BIN)/python -m tests.cluster --minutes $(or $(MINUTES),1) $(CLUSTER_ARGS)

# make simulate SEEDS=100000: random scenarios for the engine in a simulated world, on all processors.
simulate: $(VENV)/.run
	@$(BIN)/envivo lab soak --seeds $(or $(SEEDS),500)

clean:
	rm -rf $(VENV) $(NEWEST_VENV) $(LOCK_VENV) $(PEERS_VENV) $(AUTOBAHN_VENV) tests/js/node_modules $(PEERS)/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

test-js:
	@if command -v node >/dev/null; then \
		echo "== tests of the browser client on Node.js"; node --test --test-reporter=spec tests/js/*.test.mjs; \
	fi

test-newest:
	@if [ "$(DEFAULT_VERSION)" != "$(NEWEST)" ] && [ -n "$(NEWEST_PYTHON)" ]; then \
		$(MAKE) --no-print-directory PYTHON=$(NEWEST_PYTHON) $(NEWEST_VENV)/.test && \
		echo "== tests without a browser on Python $(NEWEST)" && \
		$(NEWEST_VENV)/bin/python $(PYTEST) -m "not browser and $(ELSEWHERE)" $(PYTEST_ARGS); \
	fi

# What is stored, once more in PostgreSQL, and what is about PostgreSQL and Redis; the tests of SQLite itself run elsewhere.
test-postgres:
	@if $(BIN)/python -c 'import sys; from tests.servers import find_postgres; sys.exit(find_postgres() is None)'; then \
		echo "== tests of what is stored, in PostgreSQL"; \
		$(BIN)/python $(PYTEST) --store=postgres -m "not sqlite and not namespaces and not storms and (not browser or postgres)" $(PYTEST_ARGS) $(STORED); \
	else \
		echo "left out: the tests that need PostgreSQL or Redis"; \
	fi

# The tests run without it too, and name at their end what they left out.
chromium:
	@for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing chromium"; \
		install="apt-get install -y -q --no-install-recommends chromium"; \
		{ $$install || { apt-get update -q && $$install; } || true; } >/dev/null; \
	else \
		echo "The browser tests need Chromium: 'sudo apt-get install chromium', or as your system has it."; \
	fi

# The tests start PostgreSQL and Redis by themselves, on ports of their own. In runlevel 1 no service is started, and none
# is to be started by the system later.
databases:
	@missing=; \
	[ -n "$(wildcard /usr/lib/postgresql/*/bin/pg_ctl)" ] || command -v pg_ctl >/dev/null || missing="$$missing postgresql"; \
	command -v redis-server >/dev/null || command -v valkey-server >/dev/null || missing="$$missing redis-server"; \
	[ "$$(uname)" != Linux ] || [ -n "$(wildcard /usr/lib/*/faketime/libfaketime.so.1)" ] || missing="$$missing libfaketime"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing$$missing"; \
			install="env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends$$missing"; \
			{ $$install || { apt-get update -q && $$install; } || true; } >/dev/null 2>&1; \
			systemctl disable $$missing >/dev/null 2>&1 || true; \
		else \
			echo "The tests with databases need them: 'sudo apt-get install$$missing', or as your system has it."; \
		fi; \
	fi

# Independent clients and the accessibility checker, which tests drive with Node.js; without them those are left out too.
node-packages:
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory --silent $(NODE_PACKAGES) || echo "The tests that need the packages of tests/js are left out."; \
	else \
		echo "Tests with socket.io-client and axe-core need npm: 'sudo apt-get install nodejs npm', or as your system has it."; \
	fi

$(NODE_PACKAGES): tests/js/package-lock.json
	@echo "installing the packages of tests/js"
	@npm ci --prefix tests/js --no-audit --no-fund --loglevel=error
	@touch $@

# Other people's tests of WebSockets; without them those are left out too.
autobahn:
	@if [ -n "$(AUTOBAHN_PYTHON)" ]; then \
		$(MAKE) --no-print-directory --silent $(AUTOBAHN_VENV)/wstest || echo "The tests that need Autobahn|Testsuite are left out."; \
	else \
		echo "The tests with Autobahn|Testsuite need a Python 2.7 with pip: 'pyenv install 2.7.18', or as your system has it."; \
	fi

$(AUTOBAHN_VENV)/wstest: $(AUTOBAHN)/requirements.txt
	@echo "installing Autobahn|Testsuite into $(AUTOBAHN_VENV)"
	@rm -rf $(AUTOBAHN_VENV)
	@$(AUTOBAHN_PYTHON) -W ignore $(PIP_INSTALL) --target $(AUTOBAHN_VENV)/packages --requirement $(AUTOBAHN)/requirements.txt 2>$(AUTOBAHN_VENV).log \
		|| { tail -3 $(AUTOBAHN_VENV).log; exit 1; }
	@rm -f $(AUTOBAHN_VENV).log
	@printf '#!%s\nimport site\nsite.addsitedir("%s")\nfrom autobahntestsuite.wstest import run\nrun()\n' \
		"$(AUTOBAHN_PYTHON)" "$(CURDIR)/$(AUTOBAHN_VENV)/packages" >$@
	@chmod +x $@

# One environment for all targets; the tests' tools come only when they are needed.
%/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "En Vivo needs Python 3.11 or newer: make PYTHON=...")'
	@$(PYTHON) -m venv $*
	@touch $@

%/.run: %/.created pyproject.toml .ci/run.lock
	@echo "installing En Vivo into $*"
	@$(call install,$*,.ci/run.lock,.)
	@touch $@

%/.test: %/.created pyproject.toml .ci/test.lock
	@echo "installing En Vivo and the tools of its tests into $*"
	@$(call install,$*,.ci/test.lock,.[test])
	@touch $@ $*/.run

# Install into the environment $(1) what the lock $(2) names and nothing else, or, on another Python, what $(3) asks for.
install = if [ -n "$(filter $(LOCKED),$(shell $(1)/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'))" ]; then \
	$(1)/bin/python $(PIP_INSTALL) --require-hashes --requirement $(2) && \
	$(1)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .; \
	else $(1)/bin/python $(PIP_INSTALL) --editable '$(3)'; fi

.PRECIOUS: %/.created %/.run %/.test
