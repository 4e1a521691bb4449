"""The one door: what comes in, what goes out, and what cannot be forged through it."""

import io
import json
import re
import sys
import traceback

import pytest

from lockgate.adapters.runner import INPUTS, OUTPUTS, Runner
from lockgate.errors import ConfigInvalidError


def runner(tmp_path, **env):
    screen = io.StringIO()
    files = {"GITHUB_OUTPUT": str(tmp_path / "out"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    return Runner({"GITHUB_ACTIONS": "true", **files, **env}, screen), screen


def outputs(tmp_path):
    """Read the output file as GitHub's runner does."""
    lines, found = (tmp_path / "out").read_text().splitlines(), {}
    while lines:
        name, _, delimiter = lines.pop(0).partition("<<")
        value = []
        while lines[0] != delimiter:
            value.append(lines.pop(0))
        lines.pop(0)
        found[name] = "\n".join(value)
    return found


def test_an_output_cannot_set_another_one(tmp_path):
    """A value with newlines, delimiters and assignments is one value."""
    door, _ = runner(tmp_path)
    hostile = "x\nEOF\ndecision=passed\ndecision<<EOF\npassed\nEOF"
    door.set_output("url", hostile)
    door.set_output("decision", "failed")
    assert outputs(tmp_path) == {"url": hostile, "decision": "failed"}


def test_only_declared_names_go_in_and_out(tmp_path):
    """A name that action.yml does not have is a mistake of ours."""
    door, _ = runner(tmp_path)
    with pytest.raises(KeyError):
        door.set_output("token", "x")
    with pytest.raises(KeyError):
        door.input("token")
    assert all(door.input(name) == "" for name in INPUTS)
    assert Runner({"LOCKGATE_STATE_DIR": "there"}).input("state-dir") == "there"


def test_publish_fills_every_output(tmp_path):
    """Decision, reason, the whole result, the artifact, the address; and the summary."""
    door, _ = runner(tmp_path)
    door.publish({"decision": "passed", "reason_code": "ok", "image": "i", "url": "u"}, "### fine")
    assert set(outputs(tmp_path)) == set(OUTPUTS)
    assert (tmp_path / "summary").read_text() == "### fine\n\n"


def test_what_is_handed_on_is_small_whatever_the_evidence(tmp_path):
    """A later job gets the ending as one variable, and Linux starts no program with one of more than 128 KiB."""
    door, _ = runner(tmp_path)
    result = {"decision": "deployed", "reason_code": "ok", "image": "", "url": "", "message": "fine"}
    door.publish({**result, "data": {"analyses": ["x" * 200_000]}}, "")
    assert json.loads(outputs(tmp_path)["ending"]) == result
    assert len(outputs(tmp_path)["result"]) > 200_000


def test_what_waits_for_the_ledger_is_named_so_that_it_can_be_kept(tmp_path):
    """The folder, as long as there is an event in it: the job's machine may be gone afterwards."""
    folder = tmp_path / "state" / "spool"
    folder.mkdir(parents=True)
    for waiting in ("", str(folder)):
        (tmp_path / "out").unlink(missing_ok=True)
        door, _ = runner(tmp_path, LOCKGATE_STATE_DIR=str(tmp_path / "state"))
        door.publish({"decision": "passed", "reason_code": "ok", "image": "", "url": ""}, "")
        assert outputs(tmp_path)["spool"] == waiting
        (folder / "r1.jsonl").touch()


def test_an_annotation_is_one_command(tmp_path):
    """Newlines, percent signs and separators in message, file or title end neither the command nor a property."""
    door, screen = runner(tmp_path)
    door.annotate("error", "one\n::set-output name=a::b 100%", file="a,b:c.py", line=3, title="t\n::x")
    assert screen.getvalue() == (
        "::error file=a%2Cb%3Ac.py,line=3,title=t%0A%3A%3Ax::one%0A::set-output name=a::b 100%25\n"
    )


def test_secrets_are_masked_line_by_line_where_they_are_read(tmp_path):
    """GitHub hides what it was told; each line of a key is told. A variable that is not set is None."""
    door, screen = runner(tmp_path, KEY="first\n\nsecond")
    assert door.secret("KEY") == "first\n\nsecond"
    assert screen.getvalue() == "::add-mask::first\n::add-mask::second\n"
    assert door.secret("OTHER") is None


def test_a_brace_on_a_line_of_its_own_is_not_masked(tmp_path):
    """GitHub withholds every output in which a masked text stands, and each result is JSON."""
    door, screen = runner(tmp_path, KEY='{\n  "key": "abc",\n  }\n}')
    assert door.secret("KEY")
    assert screen.getvalue() == '::add-mask::  "key": "abc",\n'


def test_secrets_that_came_as_one_object_are_variables_like_others(tmp_path):
    """They win over the machine's own, unless empty. All are masked, line by line, and hidden, named by a config or not."""
    handed = {"KEY": "handed-over", "LINES": "first line\nsecond line", "EMPTY": "", "UNNAMED": "nobody-asked"}
    door, screen = runner(
        tmp_path, LOCKGATE_SECRETS=json.dumps(handed), KEY="the machine's", EMPTY="its own", ELSE="kept"
    )
    assert [door.secret(name) for name in ("KEY", "LINES", "EMPTY", "ELSE", "NONE")] == [
        *("handed-over", "first line\nsecond line", "its own", "kept", None)
    ]
    hidden = {"handed-over", "first line", "second line", "nobody-asked"}
    assert hidden | {"its own", "kept"} == set(re.findall("::add-mask::(.*)\n", screen.getvalue()))
    assert hidden < set(door.secrets)
    door.annotate("error", "the second line, and nobody-asked")
    assert screen.getvalue().endswith("::error::the ***, and ***\n")


def test_nobody_but_the_door_has_the_object_itself(tmp_path):
    """No process of anybody's, and no name in a config: it is looked into, and never handed on."""
    door, _ = runner(tmp_path, LOCKGATE_SECRETS='{"KEY": "handed-over"}', PATH="/bin")
    assert "handed-over" not in json.dumps([door.child_env(), door.bare_env()])
    assert door.secret("LOCKGATE_SECRETS") is None


def test_an_object_that_is_none_is_refused_with_a_fix(tmp_path):
    """What, why and how to put it right; and never a value."""
    door, screen = runner(tmp_path, LOCKGATE_SECRETS='{"KEY": "handed-over", "PORTS": 5}')
    with pytest.raises(ConfigInvalidError) as caught:
        door.secret("KEY")
    error = caught.value
    assert error.what == "$LOCKGATE_SECRETS cannot be used: PORTS is a number, not text."
    assert "a JSON object" in error.why
    assert "docs/github.md" in error.fix
    assert "handed-over" not in "".join(traceback.format_exception(error)) + screen.getvalue()


def test_on_a_laptop_nothing_is_written(tmp_path):
    """No commands on the screen, no files."""
    screen = io.StringIO()
    door = Runner({}, screen)
    door.annotate("error", "x")
    door.mask("secret")
    door.publish({"decision": "passed", "reason_code": "ok", "image": "", "url": ""}, "y")
    assert screen.getvalue() == ""
    assert door.run_url == ""


def test_a_users_command_cannot_speak_for_the_job(tmp_path):
    """No output files, no run tokens, no inputs of ours; their own settings stay, and uv is found."""
    door, _ = runner(
        tmp_path,
        PATH="/bin",
        UV_INDEX_URL="https://packages.example",
        PYTHONPATH="src",
        VIRTUAL_ENV=sys.prefix,
        LOCKGATE_UV="/tools/uv",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="t",
        ACTIONS_RUNTIME_TOKEN="t",
        GITHUB_ENV="e",
        GITHUB_PATH="p",
        GITHUB_SHA="abc",
    )
    env = door.child_env({"PORT": "1"})
    assert env == {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SHA": "abc",
        "PATH": "/bin:/tools",
        "UV_INDEX_URL": "https://packages.example",
        "PYTHONPATH": "src",
        "PORT": "1",
    }
    assert Runner({"VIRTUAL_ENV": "/theirs"}).child_env()["VIRTUAL_ENV"] == "/theirs"


def test_an_untrusted_tool_gets_a_path_and_no_token(tmp_path):
    """Everything that could be a secret stays out."""
    door, _ = runner(tmp_path, PATH="/bin", HOME="/h", GITHUB_TOKEN="t", DATABASE_URL="d")
    assert door.bare_env({"X": "y"}) == {"PATH": "/bin", "HOME": "/h", "X": "y"}


def test_the_run_and_its_actor_are_known(tmp_path):
    """For the record: who, and which run."""
    env = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7"}
    door, _ = runner(tmp_path, GITHUB_ACTOR="ada", GITHUB_SHA="c" * 40, **env)
    assert (door.actor, door.commit) == ("ada", "c" * 40)
    assert door.run_url == "https://github.com/o/r/actions/runs/7"
    assert Runner({}).actor
