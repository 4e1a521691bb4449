"""What a part of Lockgate that is not installed is called, and how it is had: the same everywhere, and true."""

import ast
import re
import sys
import tomllib
from pathlib import Path

from lockgate.errors.extras import EXTRAS, set_up

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {"pyyaml": "yaml", "pyjwt": "jwt", "pygithub": "github", "psycopg-pool": "psycopg_pool"}
"""Distributions whose module has another name."""


def named(requirements):
    names = {re.match(r"[\w.-]+", one)[0] for one in requirements}
    return {MODULES.get(name, name.partition("-")[0]) for name in names}


def imported():
    """Give the top of every module that the package imports, anywhere in it."""
    for path in (ROOT / "scripts" / "lockgate").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def test_every_module_of_an_extra_is_known_by_it():
    """So that none that is missing is taken for a bug of Lockgate's; and each is named by an extra that brings it."""
    ours = set(sys.stdlib_module_names) | {"lockgate"} | named(PROJECT["dependencies"])
    assert set(imported()) - ours == set(EXTRAS)
    extras = PROJECT["optional-dependencies"]
    # Those that come with another package.
    brought = {"cryptography": "jwt", "markupsafe": "jinja2", "requests": "github", "urllib3": "github"}
    assert [module for module, extra in EXTRAS.items() if brought.get(module, module) not in named(extras[extra])] == []


def test_make_setup_installs_every_extra():
    """It is what an error tells whoever misses one, and what the first steps do."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^EXTRAS = (.*)$", makefile, re.MULTILINE)
    assert set(line.split()) == {"--extra", *PROJECT["optional-dependencies"]}
    assert re.search(r"^setup:.*\n\t@\$\(SETUP\) \$\(EXTRAS\) >/dev/null$", makefile, re.MULTILINE)
    assert "`make setup`" in set_up("azure")
    steps = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    assert "\nmake setup " in steps.partition("## 2. ")[2].partition("## 3. ")[0]


def test_nobody_is_told_to_install_a_name_that_is_on_no_index():
    """Whoever takes it first would run their code where the deploys are made."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "scripts").rglob("*.py")]
    name = re.compile(r"lockgate\[[a-z]+\]|pip install \S?lockgate\b(?!` would find is something else)")
    assert [path.name for path in pages if name.search(path.read_text(encoding="utf-8"))] == []
