"""The errors: a code of its own for each, and the tree drawn in errors/ is the tree that there is."""

import ast
import re
from collections import Counter
from pathlib import Path

from lockgate import errors
from lockgate.core.reasons import EXIT_CODES, OUTCOME_EXIT_CODES, Reason
from lockgate.errors import LockgateError


def _drawn():
    """Read the tree of the docstring: name -> the name it hangs from, and its exit code or ""."""
    above, drawn = [], {}
    for indent, name, code in re.findall(r"^    ([ |`-]*)(\w+Error)\b *(\d*)", errors.__doc__, re.MULTILINE):
        depth = len(indent) // 3
        del above[depth:]
        drawn[name] = (above[-1] if above else "", code)
        above.append(name)
    return drawn


def test_no_two_reasons_end_a_process_alike():
    """A script that sees an exit code knows the reason: no code stands for two."""
    codes = Counter([*EXIT_CODES.values(), *OUTCOME_EXIT_CODES.values()])
    assert [code for code, times in codes.items() if times > 1] == [0]


def test_the_tree_of_errors_is_drawn_as_it_is():
    """Whoever catches an error by the drawing catches what it shows: each class once, under its base, with its code."""
    expected = {}
    for one in (getattr(errors, name) for name in errors.__all__ if name.endswith("Error")):
        code = "" if one.reason is Reason.INTERNAL else str(one.__new__(one).exit_code)
        expected[one.__name__] = ("" if one is LockgateError else one.__base__.__name__, code)
    assert _drawn() == expected


def test_only_a_bug_ends_as_one():
    """An error that is raised has a reason of its own: "internal_error" asks a person to report a bug."""
    nameless = {
        name for name in errors.__all__ if name.endswith("Error") and getattr(errors, name).reason is Reason.INTERNAL
    }
    package = Path(errors.__file__).parents[1]
    made = [
        f"{path.relative_to(package)}: {node.func.id}"
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in nameless
    ]
    assert made == ["cli.py: LockgateError"]
