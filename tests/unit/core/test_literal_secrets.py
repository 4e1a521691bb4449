"""Secrets are found by their form or their place, and never told."""

import time

import pytest

from lockgate.core import literal_secrets

# Put together here, so that no scanner takes this file for a leak.
FORMS = {
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "an AWS access key": "AKIA" + "ABCD1234" * 2,
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a JSON Web Token": "eyJ" + "hbGciOiJI" + "." + "eyJ" + "zdWIiOiIx" + ".abc",
    "a Supabase secret key": "sb_secret_" + "a1b2c3d4e5f6",
    "a Slack token": "xoxb-" + "123456789012-abc",
    "an Azure storage key": "AccountKey=" + "a1B2" * 6 + "==",
    "a URL with a password": "postgres://app:" + "hunter2@db.example/x",
}


@pytest.mark.parametrize("kind", FORMS)
def test_each_known_form_is_found_where_it_stands(kind):
    """A known form of secret is found anywhere in the text, once, with its place."""
    text = f"a: 1 # {FORMS[kind]}\n"
    (found,) = literal_secrets.in_text(text)
    assert (found.kind, found.start) == (kind, 7)


def test_a_fine_grained_token_is_a_github_token():
    """Both families of GitHub's tokens are known."""
    assert [found.kind for found in literal_secrets.in_text("github_pat_" + "A1" * 20)] == ["a GitHub token"]


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.example:5000/shop",
        "postgres://app:$PASSWORD@db/x",
        "postgres://app:${PASSWORD}@db/x",
        "postgres://db/x",
        "highp_" + "a" * 40,
        "AKIA1234",
        "see eyJ for details",
        "sk_" + "a" * 10,
    ],
)
def test_ordinary_text_is_no_secret(text):
    """Addresses, references to variables and look-alikes are left alone."""
    assert literal_secrets.in_text(text) == []


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "api-key", "token", "client.secret", "SIGNING_KEY", "apikey"]
)
def test_a_value_under_a_telling_key_is_a_secret(name):
    """A key named like a secret may not hold text."""
    (problem,) = literal_secrets.in_document({"a": [{name: "hunter2"}]})
    assert problem.path == ("a", 0, name)
    assert "hunter2" not in problem.message


@pytest.mark.parametrize("value", ["", "$TOKEN", None, True, {"env": "X"}])
def test_a_reference_under_a_telling_key_is_none(value):
    """A reference, or nothing at all, gives nothing away."""
    assert list(literal_secrets.in_document({"token": value})) == []


@pytest.mark.parametrize("value", ["hunter2", 12345678, 1.5, True])
def test_every_literal_under_secrets_is_one(value):
    """Under `secrets` only references stand, so a number may be a secret too."""
    (problem,) = literal_secrets.in_document({"secrets": {"DATABASE_URL": value}})
    assert problem.path == ("secrets", "DATABASE_URL")


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ",
        "-eyJaaaaaaaa",
        "a://",
        "a://b:",
        "ghp_",
        "AccountKey=",
        "xoxb-",
        "-----BEGIN ",
        "a+",
        "sb_secret_",
        "AKIA",
    ],
)
def test_the_search_takes_linear_time(piece):
    """A megabyte made to confuse one of the patterns is searched in a moment."""
    text = piece * (1024 * 1024 // len(piece))
    started = time.process_time()
    literal_secrets.in_text(text)
    assert time.process_time() - started < 5
