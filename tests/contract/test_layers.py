"""Imports point one way: cli -> commands -> engine -> adapters -> core; and core is pure."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "scripts" / "lockgate"
ORDER = ["errors", "core", "adapters", "engine", "board", "commands", "cli"]
SHARED_ADAPTERS = {
    "process",
    "clock",
    "http",
    "connection",
    "runner",
    "state",
    "console",
    "oci_registry",
    "tracing",
    "lease_words",
}
IMPURE = {
    "asyncio", "http", "os", "pathlib", "random", "secrets", "shutil", "signal", "socket", "sqlite3", "subprocess",
    "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
FAMILIES = [
    {"trivy", "trivy_binary", "trivy_database", "trivy_layer", "trivy_pin"},
    {"config_file", "yaml_positions", "schema_errors", "time_zones"},
    {"sqlite_ledger", "sqlite_chain"},
    {"watch", "probes"},
]
"""Adapters that are one thing in several files."""


def modules():
    return sorted(PACKAGE.rglob("*.py"))


@cache
def read(path):
    """Give every module name that a file imports, anywhere in it, and each function with its number of lines.

    CPython 3.11 may refuse a file with SystemError if another thread formats a traceback meanwhile, because both count
    their depth in one place (https://github.com/python/cpython/issues/106905). That is no word on the file.
    """
    for _ in range(5):
        try:
            tree = ast.parse(path.read_text())
            break
        except SystemError as error:
            mistaken = error
    else:
        raise mistaken
    names, functions = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[node.name, node.lineno] = node.end_lineno - node.lineno
    return names, functions


def imported(path):
    return read(path)[0]


def layer(parts):
    return parts[0] if parts[0] in ORDER else "cli"


def test_nobody_imports_from_above():
    """A module knows only its own layer and those below it; nobody but the cli and commands knows commands."""
    for path in modules():
        looks_down(path)


def looks_down(path):
    mine = layer(path.relative_to(PACKAGE).with_suffix("").parts)
    for name in imported(path):
        if not name.startswith("lockgate.") or name == "lockgate.__version__":
            continue
        theirs = layer(name.split(".")[1:])
        if mine == "errors":
            assert name.startswith(("lockgate.core.reasons", "lockgate.errors.")), f"{path} imports {name}"
        elif theirs != "errors":
            assert ORDER.index(theirs) <= ORDER.index(mine), f"{path} imports {name}"
        elif mine == "core":
            pytest.fail(f"{path} imports {name}: core knows reasons, not errors")


def test_the_board_stands_beside_the_pipeline():
    """It reads through the ports of core, runs nothing, and nobody but its command needs it, or what it is made with."""
    heavy = {"starlette", "uvicorn", "jinja2"}
    for path in modules():
        names = set(imported(path))
        place = path.relative_to(PACKAGE).parts
        if place[0] == "board":
            assert not any(name.startswith(("lockgate.engine", "lockgate.adapters.board")) for name in names), path
        elif place != ("commands", "board.py"):
            assert not any(name.startswith("lockgate.board") for name in names), path
            assert not {name.split(".")[0] for name in names} & heavy, path


def test_core_is_pure():
    """No clock, network, files, environment or randomness; standard library and core only."""
    inside = [(path, name) for path in sorted((PACKAGE / "core").rglob("*.py")) for name in imported(path)]
    assert len(inside) > 200
    for path, name in inside:
        if name in {"pathlib", "pathlib.PurePosixPath"} and "from pathlib import PurePosixPath\n" in path.read_text():
            continue  # text that looks like a path; it cannot touch one
        top = name.split(".")[0]
        assert top not in IMPURE, f"{path.name} imports {name}"
        assert not name.startswith("lockgate.") or name.startswith("lockgate.core"), f"{path.name} imports {name}"


def test_adapters_do_not_know_each_other():
    """Apart from the few shared ones, and the files of one family."""
    inside = [(path, name) for path in sorted((PACKAGE / "adapters").glob("*.py")) for name in imported(path)]
    assert len(inside) > 200
    for path, name in inside:
        parts = name.split(".")
        if parts[:2] != ["lockgate", "adapters"] or len(parts) < 3:
            continue
        family = any({path.stem, parts[2]} <= each for each in FAMILIES)
        assert parts[2] in SHARED_ADAPTERS or family, f"{path.name} imports {name}"


def test_only_the_runner_reads_the_environment():
    """One door for inputs: everything else gets what it needs as an argument."""
    for path in modules():
        if path.name == "runner.py":
            continue
        assert "os.environ" not in path.read_text(), path
        assert "getenv" not in path.read_text(), path


def test_files_and_functions_stay_small():
    """No file over 250 lines, no function over 50."""
    assert {str(path) for path in modules() if path.read_text().count("\n") > 250} == set()
    sizes = {(path.name, *which): lines for path in modules() for which, lines in read(path)[1].items()}
    assert {which for which, lines in sizes.items() if lines >= 50} == set()
    assert len(sizes) > 1000
