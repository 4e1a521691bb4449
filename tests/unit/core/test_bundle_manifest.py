import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.bundle_manifest import Ignore, canonical, canonical_mode, is_bytecode, ships


@pytest.mark.parametrize(
    ("rules", "path", "out"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**/*.md", "docs/deep/README.md", True),
        ("**/*.md", "README.md", True),
        ("docs", "docs/deep/page.txt", True),
        ("docs/", "docs/page.txt", True),
        ("/docs", "docs/page.txt", True),
        ("docs", "mydocs/page.txt", False),
        ("temp?", "temp1", True),
        ("temp?", "temp", False),
        ("[ab].txt", "a.txt", True),
        ("[ab].txt", "c.txt", False),
        ("[^ab].txt", "c.txt", True),
        (r"\*.txt", "*.txt", True),
        (r"\*.txt", "a.txt", False),
        ("a.b", "aXb", False),
        ("src/**", "src/a/b.py", True),
        ("*\n!keep", "keep/this.py", False),
        ("*\n!keep", "drop/this.py", True),
        ("!keep\n*", "keep/this.py", True),
        ("*\n!docs\ndocs/*.tmp", "docs/a.tmp", True),
        ("# a comment\n\n  spaced  ", "spaced", True),
        (".", "anything", False),
        ("./docs/../src", "src/a.py", True),
    ],
)
def test_dockerignore_pattern_leaves_out_what_docker_leaves_out(rules, path, out):
    """Each kind of pattern decides as docker's own matcher documents."""
    assert Ignore.parse(rules).leaves_out(path) is out


@pytest.mark.parametrize("line", ["[ab", "a\\"])
def test_a_line_that_is_no_pattern_is_named(line):
    """A rule that cannot be read is refused with its line, not silently ignored."""
    with pytest.raises(ValueError, match=r"line 2: .* is not a pattern"):
        Ignore.parse(f"ok\n{line}")


@given(st.lists(st.text("ab/*?!.#", max_size=8), max_size=5), st.text("ab/.", min_size=1, max_size=8))
def test_any_rules_decide_about_any_path(lines, path):
    """Whatever the file holds, a path is either in or out, and the empty file leaves nothing out."""
    assert Ignore.parse("\n".join(lines)).leaves_out(path) in {True, False}
    assert Ignore.parse("").leaves_out(path) is False


@pytest.mark.parametrize("path", [".git/config", "a/.venv/bin/python", "x/__pycache__/y.pyc", ".lockgate/ledger.db"])
def test_what_is_no_part_of_a_release_never_ships(path):
    """Repository data, environments, caches and Lockgate's own state stay out even where no rule says so."""
    assert not ships(path, Ignore())
    assert not ships(path, Ignore.parse("!" + path))


def test_a_name_that_only_looks_like_one_of_them_ships():
    """Only whole names count."""
    assert ships("src/.gitignore", Ignore())


@given(st.permutations(["a", "a-b", "a/b", "a/b/c", "Z", "\u00e4", "\udcff"]))
def test_members_have_one_order(paths):
    """The order does not depend on how the directory was listed, and a directory comes before what is in it."""
    assert canonical(paths) == ["Z", "a", "a-b", "a/b", "a/b/c", "\u00e4", "\udcff"]


def test_modes_are_two():
    """A file is a program or it is not; nothing else of its mode reaches the digest."""
    assert {canonical_mode(mode) for mode in (0o600, 0o664, 0o444, 0o4644)} == {0o644}
    assert {canonical_mode(mode) for mode in (0o700, 0o775, 0o555)} == {0o755}


def test_bytecode_is_told_from_source():
    """Byte code is recognised by its place and by its name."""
    assert is_bytecode("a/__pycache__/b.cpython-311.pyc")
    assert is_bytecode("b.pyc")
    assert not is_bytecode("b.py")
