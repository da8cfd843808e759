# make sweep · make test, test-quick, test-data, test-cluster · make cluster-network, cluster · make ui · make docs, notebooks · make lint ·
# make bench, bench-engine, bench-cluster, bench-quality, bench-ask: each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS ?= runs
export RUNS
PROCESSES ?= 2
PYTEST := $(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

CLUSTER ?= cluster.yaml

.PHONY: sweep test test-quick test-data test-cluster cluster-network cluster ui docs notebooks lint bench bench-engine bench-cluster bench-quality bench-ask clean

sweep: $(VENV)/.base
	$(BIN)/python sweeps/cd_k.py

# A cluster's token, and on AWS its security group and the role of its head: once.
cluster-network: $(VENV)/.aws
	$(BIN)/python deploy/aws_network.py $(CLUSTER)

# Looks at what `ray up` will find, and starts the cluster; CLUSTER=cluster.local.yaml for machines of your own.
cluster: $(VENV)/.aws
	$(BIN)/python deploy/before_up.py $(CLUSTER)
	$(BIN)/ray up -y $(CLUSTER)

# All tests but those of real data: first what needs no cluster, then what starts Ray, servers or kills. The tests of a file go to one of
# pytest's processes and share what it prepares (tests/conftest.py: kept_together).
test: test-quick
	$(PYTEST) -m "cluster and not real_data"

test-quick: $(VENV)/.test
	$(PYTEST) -m "not cluster and not real_data and not proof"

# A cluster of three machines on this one, by `ray up` over SSH, whose parts are killed in mid-sweep: as root, in minutes.
test-cluster: $(VENV)/.test
	@bash tests/cluster_proof/packages.sh
	$(BIN)/python -m pytest -m proof tests/cluster_proof

# On the real data sets in $GIBBSWEEP_DATA; what is not there is skipped by name.
test-data: $(VENV)/.test
	$(PYTEST) -m real_data

ui: $(VENV)/.base
	@$(BIN)/gibbsweep ui "$$RUNS"

# The documentation, in site/: site/index.html opens without a server and without a network.
# Runs all notebooks again and keeps their outputs; sounds are left out, which would make them megabytes.
notebooks: $(VENV)/.notebooks
	GIBBSWEEP_PLAYERS=0 $(BIN)/python analysis/execute.py

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "site/index.html"

lint: $(VENV)/.test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	$(BIN)/python analysis/benchmarks/run.py

bench-engine: $(VENV)/.base
	$(BIN)/python analysis/benchmarks/engine.py

bench-cluster: $(VENV)/.base
	$(BIN)/python analysis/benchmarks/cluster_load.py

bench-quality: $(VENV)/.base
	$(BIN)/python analysis/benchmarks/time_to_quality.py

bench-ask: $(VENV)/.base
	$(BIN)/python analysis/benchmarks/ask_cost.py

clean:
	rm -rf $(VENV) site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; assert (3, 11) <= v < (3, 15), f"Gibbsweep needs Python 3.11 to 3.14: got {v.major}.{v.minor}; use make PYTHON=python3.12"'
	$(PYTHON) -m venv $(VENV)

# The constraints are the versions that the tests last passed with.
$(VENV)/.base: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Gibbsweep into $(VENV) (PyTorch is several GB the first time)"
	$(PIP) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Gibbsweep with its test tools into $(VENV) (PyTorch is several GB the first time)"
	$(PIP) --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/.base

$(VENV)/.docs: $(VENV)/.test
	$(PIP) --constraint constraints.txt --editable '.[test,docs]'
	@touch $@

$(VENV)/.notebooks: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --constraint constraints.txt --editable '.[notebooks]'
	@touch $@ $(VENV)/.base

$(VENV)/.aws: $(VENV)/.base
	$(PIP) --constraint constraints.txt --editable '.[aws]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(PIP) --constraint constraints.txt --editable '.[test,bench]'
	@touch $@
