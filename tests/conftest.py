"""What every test may have: `--contracts DIR` has each exchange with a stand-in judged by the vendor's own description."""

import atexit
import gc
import importlib.util
import os
import signal
import sys
import threading
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lockgate.adapters import tracing
from tests.standins.azure import AzureStandIn
from tests.standins.azure.judge import Judge
from tests.standins.github import GitHub

# The same examples in each run: no change fails for what another one brought. New ones are looked for by `make fuzz`.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("repeatable")

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
# What is loaded stays: looking through it again and again for what can go takes longer than the loading.
gc.disable()
if WORKER:
    # The last of all to run: taking down what was loaded would take each worker seconds.
    atexit.register(os._exit, 0)

JUDGED = pytest.StashKey[dict[str, list[int]]]()
DESCRIPTIONS = {"github": "github/api.github.com.slim.json"}


def pytest_addoption(parser):
    parser.addoption("--contracts", help="the folder with the vendors' API descriptions and their judges")


def pytest_configure(config):
    config.stash[JUDGED] = {}
    # A shell without job control starts what it runs in the background with SIGINT ignored, and every program down from
    # there inherits that: Ctrl-C would be tested against programs that cannot hear it. A handler is not inherited.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_trace():
    """A rollout that ran in this process, and was perhaps killed in it, is not what the next test works for."""
    yield
    tracing.done()


@pytest.fixture(scope="session")
def github_judge(request):
    """GitHub's own OpenAPI description, where it is here; None in a plain `make test`."""
    folder = request.config.getoption("contracts")
    if not folder:
        return None
    spec = importlib.util.spec_from_file_location("github_contract", Path(folder) / "github_contract.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.GH(str(Path(folder) / DESCRIPTIONS["github"]))


@pytest.fixture
def github(request, github_judge):
    """A local GitHub of this test's own; with `--contracts`, nothing said to it or by it may stray from the description."""
    server = GitHub()
    yield server
    server.close()
    if github_judge:
        exchanges = server.exchanges.all()
        said = [each for e in exchanges if not _unsayable(e) for each in _described(e)]
        count(request.config, "GitHub's OpenAPI description", len(said))
        found = [(e["method"], e["url"], *github_judge.check(e)) for e in said]
        assert [one for one in found if one[3]] == []


@pytest.fixture(scope="session")
def azure_judge(request):
    """Microsoft's own API descriptions, where they are here; None in a plain `make test`."""
    folder = request.config.getoption("contracts")
    return Judge(Path(folder).absolute()) if folder else None


@pytest.fixture
def azure(request, azure_judge, tmp_path):
    """A local Azure of this test's own; with `--contracts`, nothing said to it or by it may stray from the descriptions."""
    with AzureStandIn(tmp_path) as standin:
        yield standin
    if azure_judge:
        judged, violations = azure_judge.check(standin.server.exchanges)
        count(request.config, "Microsoft's API descriptions", judged)
        assert violations == []


def _described(exchange):
    """The description here is a cut that lacks two reads: what they list is judged as if each was asked for by itself."""
    base, found, rest = exchange["url"].partition("/compare/")
    if found:
        listed = exchange["resp"]["commits"] if exchange["status"] == 200 else []
        return [{**exchange, "url": f"{base}/commits/{one['sha']}", "resp": one} for one in listed]
    base, found, rest = exchange["url"].partition("/commits/")
    if not found or not rest.endswith("/pulls"):
        return [exchange]
    listed = exchange["resp"] if exchange["status"] == 200 else []
    return [{**exchange, "url": f"{base}/pulls/{one['number']}", "resp": one} for one in listed]


def _unsayable(exchange):
    """Whether this is the one answer that the description lets nobody give.

    A conflict when a file is written must match exactly one of two schemas, neither of which requires anything: every
    body that has a message matches both.
    """
    return (exchange["method"], exchange["status"]) == ("PUT", 409) and "/contents/" in exchange["url"]


def count(config, judge, exchanges):
    """Book exchanges that were judged, for the last lines of the run."""
    booked = config.stash[JUDGED].setdefault(judge, [0, 0])
    booked[0] += 1
    booked[1] += exchanges


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["judged"] = session.config.stash[JUDGED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    for judge, (tests, exchanges) in getattr(node, "workeroutput", {}).get("judged", {}).items():
        booked = node.config.stash[JUDGED].setdefault(judge, [0, 0])
        booked[0] += tests
        booked[1] += exchanges


def pytest_terminal_summary(terminalreporter, config):
    for judge, (tests, exchanges) in config.stash[JUDGED].items():
        terminalreporter.write_line(f"{exchanges} exchanges of {tests} tests judged by {judge}")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """Collect the tests, and go on with what was loaded as it is.

    Every worker loads the same modules: what only loading runs is counted in the first.
    """
    counting = sys.gettrace()
    if WORKER not in {"", "gw0"}:
        sys.settrace(None)
    collected = yield
    sys.settrace(counting)
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    return collected


SLOW = (
    "e2e",
    "integration/rollout",
    "integration/on_github",
    "integration/on_azure",
    "integration/local",
    "integration",
)
"""Folders whose tests wait for something: begun first, so that no worker is left alone with one at the end."""


ADDS_NOTHING = (
    "contract/test_layers.py",
    "contract/test_workflows.py",
    "contract/test_action.py",
    "on_azure/test_faults.py",
    "on_azure/test_under_load.py",
)
"""They read our files, or run long what others run, too."""


def pytest_collection_modifyitems(items):
    """Deal the tests out to the workers, the slow ones first and one of each kind after the other: some wait, some compute.

    Each worker begins with a part of the list, and takes from another's when it has come to the end of its own.
    """
    _count_coverage_once(items)
    kinds = {kind: [] for kind in (*SLOW, "")}
    for item in items:
        path = item.path.as_posix()
        kinds[next((kind for kind in SLOW if f"tests/{kind}/" in path), "")].append(item)
    quick = kinds.pop("")
    dealt = [one for each in zip_longest(*kinds.values()) for one in each if one is not None] + quick
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = [one for first in range(workers) for one in dealt[first::workers]]


def _count_coverage_once(items):
    """Have coverage count in the first case of each test only, and in no property.

    CPython 3.11 runs about half as fast while it counts, and the rest goes through the same lines. What only they would
    show is missing from the figure, which is the safe side.
    """
    counted = set()
    for item in items:
        test = item.nodeid.partition("[")[0]
        repeats = test in counted or getattr(item.obj, "is_hypothesis_test", False)
        if repeats or item.path.as_posix().endswith(ADDS_NOTHING):
            item.add_marker(pytest.mark.uncounted)
        counted.add(test)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    # pytest-cov's own mark stops and begins all of coverage, at a cost that eats what this saves.
    if not item.get_closest_marker("uncounted"):
        return (yield)
    counting, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(counting)
        threading.settrace(in_threads)
