"""Trivy's log: the files it gave up on, and its last words. The lines are those of 0.76.0."""

import pytest

from lockgate.core.trivy_log import Unread, blames_database, fatal, ignored, unread, unsupported

T = "2026-11-23T22:41:23Z"
NO_DATABASE = (
    f"{T}\tINFO\t[vulndb] Downloading artifact...\n"
    f"{T}\tFATAL\tFatal error\trun error: init error: DB error: failed to download vulnerability DB: OCI repository "
    'error: 1 error occurred:\n\t* Get "https://registry.example/v2/": no such host\n\n'
)


@pytest.mark.parametrize(
    ("line", "item"),
    [
        (
            f'{T}\tDEBUG\tWalk error\tfile_path="package-lock.json" err="parse error: invalid character \\"b\\""',
            Unread("package-lock.json", 'parse error: invalid character "b"', configuration=False),
        ),
        (
            f'{T}\tWARN\t[uv] Failed to parse uv lockfile\terr="toml: line 2"',
            Unread("", "[uv] toml: line 2", configuration=False),
        ),
        (
            f'{T}\tERROR\t[dockerfile scanner] Failed to parse file\tfile_path="Dockerfile" err="unknown instruction"',
            Unread("Dockerfile", "[dockerfile scanner] unknown instruction", configuration=True),
        ),
        (
            f'{T}\tERROR\t[terraform parser] Error parsing file\tmodule="root" file_path="main.tf" err="unclosed"',
            Unread("main.tf", "[terraform parser] unclosed", configuration=True),
        ),
    ],
)
def test_says_what_was_not_read(line, item):
    """A file that Trivy passes over is named, with the reason."""
    assert unread(line) == item


@pytest.mark.parametrize(
    "line",
    [
        "",
        "not a log line",
        f'{T}\tERROR\t[misconfig] Falling back to embedded checks\terr="cache does not exist"',
        f"{T}\tINFO\t[secret] Secret scanning is enabled",
        f'{T}\tDEBUG\tScanned config file\tfile_path="failed to parse.tf"',
    ],
)
def test_other_lines_say_nothing(line):
    """What is no failure to read a file is left alone, even where a file's name says so."""
    assert unread(line) is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f'{T}\tINFO\t[terraform executor] Ignore finding\trule="aws-s3-enable-logging" range="a/m.tf:2-4"',
         ("aws-s3-enable-logging", "a/m.tf", 2)),
        (f'{T}\tINFO\t[cloudformation scanner] Ignore finding\trule="x" range="cf.yaml:4"', ("x", "cf.yaml", 4)),
        (f'{T}\tINFO\t[terraform executor] Ignore finding\trule="x" range="a:b.tf"', ("x", "a:b.tf", 0)),
        (f"{T}\tINFO\t[another] Ignore finding\tcut off", ("*", "", 0)),
    ],
)  # fmt: skip
def test_says_what_the_source_hides(line, told):
    """The rule and the place; a line that cannot be read to its end still says that something is hidden."""
    found = ignored(line)
    assert found is not None
    assert ((found.id, found.file, found.line), found.hidden) == (told, True)
    assert unread(line) is None


@pytest.mark.parametrize("line", [f"{T}\tDEBUG\tIgnore statuses\tstatuses=[]", "Ignore finding", ""])
def test_other_lines_hide_nothing(line):
    """Settings of the scan itself hide nothing of the source."""
    assert ignored(line) is None


def test_says_whose_packages_were_not_looked_up():
    """A distribution that it does not know; an image without one has no packages of one."""
    assert unsupported(f'{T}\tWARN\tUnsupported os\tfamily="fedora"') == "fedora"
    assert unsupported(f"{T}\tWARN\tUnsupported os\tcut off") == "this distribution"
    assert unsupported(f'{T}\tWARN\tUnsupported os\tfamily="none"') == ""
    assert unsupported(f'{T}\tINFO\tDetected OS\tfamily="fedora"') == ""


def test_last_words_are_the_innermost_cause():
    """Trivy wraps a cause in many layers: the cause is told."""
    assert fatal(NO_DATABASE) == 'Get "https://registry.example/v2/": no such host'


def test_database_is_blamed_only_where_it_is_to_blame():
    """Only a fatal error of the database is one."""
    assert blames_database(NO_DATABASE)
    assert not blames_database(f"{T}\tFATAL\tFatal error\trun error: fs scan error: no such file\n")
    assert not blames_database(f"{T}\tINFO\tDB error\n{T}\tINFO\tfine\n{T}\tINFO\tfine\n{T}\tINFO\tfine\n")


def test_without_a_fatal_line_the_end_is_told():
    """A crash of another kind is told by what was printed last."""
    assert fatal("one\n\npanic: boom\ngoroutine 1\nmain.go:3\n") == "panic: boom goroutine 1 main.go:3"
    assert fatal("") == ""
