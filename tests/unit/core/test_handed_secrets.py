"""Secrets that travel as one JSON object: what is taken, and that a refusal holds no value."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.handed_secrets import read

VALUE = "hunter2-hunter2"


def test_each_name_has_its_text():
    """On one line or on several, with texts of several lines; nothing where nothing was handed over."""
    given = {"SLACK_WEBHOOK": "https://hooks.example/x", "key_2": "one\ntwo", "EMPTY": ""}
    assert read(json.dumps(given)) == read(f"\n{json.dumps(given, indent=2)}\n") == given
    assert read("") == read(" \n") == read("{}") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (VALUE, "it is no JSON from line 1, column 1 on"),
        (f'{{"A": "{VALUE}"', "it is no JSON from line 1, column "),
        ("A=" + VALUE, "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("NaN", "it is no JSON"),
        ('{"A": Infinity}', "it is no JSON"),
        (json.dumps([VALUE]), "it is a list, not an object"),
        (json.dumps(VALUE), "it is a text, not an object"),
        ("9" * 10_000, "it is a number, not an object"),
        ("null", "it is null, not an object"),
        (json.dumps({"A": 5}), "A is a number, not text"),
        (json.dumps({"A": True}), "A is true or false, not text"),
        (json.dumps({"A": None}), "A is null, not text"),
        (json.dumps({"A": {"B": VALUE}}), "A is an object, not text"),
        (json.dumps({"A": [VALUE]}), "A is a list, not text"),
        (json.dumps({"A": f"{VALUE}\0"}), "A holds what no variable can hold"),
        ('{"A": "\\ud800"}', "A holds what no variable can hold"),
        (json.dumps({VALUE: "NAME"}), "name 1 is not the name of a variable"),
        (json.dumps({"A": "x", "": VALUE}), "name 2 is not the name of a variable"),
        (json.dumps({"A\n": VALUE}), "name 1 is not the name of a variable"),
        (json.dumps({"A" * 101: VALUE}), "name 1 is not the name of a variable"),
        (f'{{"A": "{VALUE}", "A": "x"}}', "A is there twice"),
        (json.dumps({"A": 1, "PATH": VALUE}), "A is a number, not text; PATH steers programs"),
        (json.dumps(dict.fromkeys("ABCDEFG", 1)), "; and 2 more"),
    ],
)
def test_what_is_none_is_refused_without_a_value(text, told):
    """All that is wrong is said at once; a name that is none is not shown, for it may be the value."""
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        read(text)
    assert VALUE not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "LD_PRELOAD", "PYTHONPATH", "GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "RUNNER_TEMP", "BASH_ENV"),
        *("LOCKGATE_LEDGER_SECRET", "LOCKGATE_SECRETS", "AZURE_CLIENT_SECRET", "UV_INDEX_URL", "https_proxy", "GIT_SSH_COMMAND"),
        *("DYLD_INSERT_LIBRARIES", "NODE_OPTIONS", "SSL_CERT_FILE", "PORT"),
    ],
)  # fmt: skip
def test_what_steers_programs_is_no_secret(name):
    """It names itself and nothing else; what merely begins alike is taken."""
    with pytest.raises(ValueError, match=f"^{name} steers programs or belongs to Lockgate, GitHub or Azure$"):
        read(json.dumps({name: VALUE, "APPLICATIONINSIGHTS_CONNECTION_STRING": "x"}))
    assert read(json.dumps({f"MY_{name}": VALUE})) == {f"MY_{name}": VALUE}


@given(st.text())
def test_any_text_ends_in_secrets_or_a_refusal(text):
    """Nothing else is raised, whatever stands there."""
    try:
        found = read(text)
    except ValueError:
        return
    assert all(isinstance(one, str) for one in found.values())
