# make demo   brings up a lab fleet, audits it, shows the report, takes it down again (KEEP=1 leaves it up)
# make test   runs all tests            make lint   style, types, import contracts, shell checks
# make docs   writes the generated pages and the manual page, and builds the site in site/
# make bench  speed and memory, as ratios               make clean  removes what these made
# Each installs what it needs: Python packages into .venv, system packages from apt, and only those that are missing.

PYTHON ?= python3
HOSTS ?= 12
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
BIN := .venv/bin
LAB := $(CURDIR)/.lab
PYTEST_ARGS ?=

# program:package pairs; a package is installed when its program is missing
DEMO_PROGRAMS := ip:iproute2 sshd:openssh-server ssh-keygen:openssh-client sysctl:procps ethtool:ethtool
TEST_PROGRAMS := $(DEMO_PROGRAMS) dropbear:dropbear-bin busybox:busybox zsh:zsh fish:fish tcsh:tcsh dash:dash \
	bpftrace:bpftrace tcpdump:tcpdump curl:curl shellcheck:shellcheck sudo:sudo doas:opendoas ping:iputils-ping nft:nftables conntrack:conntrack \
	modprobe:kmod strace:strace chromium:chromium mandoc:mandoc systemd-run:systemd
BENCH_PROGRAMS := $(DEMO_PROGRAMS) chromium:chromium

.PHONY: demo test lint bench clean docs packages-demo packages-test packages-bench

demo: .venv/ready packages-demo
	@sh tools/demo.sh $(BIN)/netaudit $(LAB) $(HOSTS) "$(SUDO)" "$(KEEP)"

test: .venv/ready packages-test
	$(BIN)/pytest $(PYTEST_ARGS) -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

lint: .venv/ready packages-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	shellcheck -s sh remote_probes/*.sh remote_probes/trace/*.sh tools/*.sh

docs: .venv/ready
	$(BIN)/python tools/generate_docs.py
	$(BIN)/mkdocs build --strict --quiet

bench: .venv/ready packages-bench
	$(SUDO) $(BIN)/python benchmarks/run.py

clean:
	@if [ -e $(LAB) ]; then $(SUDO) $(BIN)/netaudit lab down --dir $(LAB); fi
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* build dist site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("netaudit needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv || { $(SUDO) apt-get update -qq && \
		$(SUDO) apt-get install -y -qq python3-venv && $(PYTHON) -m venv .venv; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

packages-demo:
	@sh tools/packages.sh "$(SUDO)" $(DEMO_PROGRAMS)

packages-test:
	@sh tools/packages.sh "$(SUDO)" $(TEST_PROGRAMS)

packages-bench:
	@sh tools/packages.sh "$(SUDO)" $(BENCH_PROGRAMS)
