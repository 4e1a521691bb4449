"""Whether an identity trusts the right job and nothing else, and may do enough and not too much."""

import re
from pathlib import Path

import pytest

from lockgate.core.azure_access import AUDIENCE, ISSUER, ROLES, Wanted, roles, trust
from lockgate.core.config_target import TargetKind

PRODUCTION = "repo:ada/shop:environment:production"
APP = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Web/sites/shop"
IDS = {name: number for number, name in ROLES.items()}


def credential(subject, issuer=ISSUER, audience=AUDIENCE):
    return {"issuer": issuer, "subject": subject, "audiences": [audience]}


def judged(*credentials, guarded=True):
    checks = list(trust("azure", credentials, Wanted("ada/shop", "production", guarded)))
    return [check.ok for check in checks], " ".join(check.text for check in checks)


@pytest.mark.parametrize("subject", [PRODUCTION, "repo:ada@12/shop@345:environment:production"])
def test_either_form_of_the_subject_fits(subject):
    """Newer repositories have ids in theirs."""
    assert judged(credential(subject)) == ([True], f"the identity trusts {subject}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "nobody on GitHub"),
        ([credential(PRODUCTION, issuer="https://elsewhere.example")], "nobody on GitHub"),
        ([credential("repo:ada/shop:environment:staging")], "but repo:ada/shop:environment:staging"),
        ([credential("repo:ada-12/shop-345:environment:production")], "does not trust"),
        ([credential("repo:mallory/ada/shop:environment:production")], "does not trust"),
        ([credential(PRODUCTION, audience="api://other")], "another audience"),
    ],
)
def test_another_job_is_not_this_one(given, said):
    """Another environment, repository, issuer or audience."""
    found, text = judged(*given)
    assert found == [False]
    assert said in text


def test_a_credential_by_an_expression_is_not_judged():
    """It has no subject, and what Azure makes of its expression is not known here."""
    assert judged(credential(None)) == (
        [None],
        "the identity trusts by an expression: whether this environment's job fits is not judged",
    )


@pytest.mark.parametrize("other", ["repo:ada/shop:ref:refs/heads/main", "repo:ada/shop:pull_request"])
def test_what_goes_around_the_approval_is_found(other):
    """A job without an environment asks nobody; where nobody has to be asked, that is no harm."""
    assert judged(credential(PRODUCTION), credential(other))[0] == [True, False]
    assert judged(credential(PRODUCTION), credential(other), guarded=False)[0] == [True]


def assignment(role, scope=APP, principal="me"):
    path = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{IDS.get(role, role)}"
    return {"properties": {"roleDefinitionId": path, "scope": scope, "principalId": principal}}


@pytest.mark.parametrize(
    ("given", "ok", "said"),
    [
        ([assignment("Website Contributor")], True, "Website Contributor"),
        ([assignment("Contributor", scope="/subscriptions/S/resourceGroups/SHOP")], True, "Contributor"),
        ([assignment("Contributor", scope="/subscriptions/s/resourceGroups/sho")], False, "no role"),
        ([assignment("Website Contributor", principal="you")], False, "no role"),
        ([assignment("AcrPull")], False, "only AcrPull"),
        ([assignment("Container Apps Contributor")], False, "only Container Apps Contributor"),
        ([assignment("0000")], None, "a role of your own"),
        ([assignment("Owner")], False, "an owner"),
    ],
)
def test_a_role_is_enough_too_little_or_too_much(given, ok, said):
    """At the app or above it, for this identity."""
    check = roles("azure", given, "me", APP, TargetKind.APP_SERVICE)
    assert check.ok is ok
    assert said in check.text


def test_the_ids_of_the_roles_are_those_of_the_templates():
    """One of both would be wrong otherwise."""
    examples = Path(__file__).parents[3] / "examples" / "azure"
    text = "".join(path.read_text() for path in examples.glob("*.bicep"))
    named = {number: name for name, number in re.findall(r"(\w+): '([0-9a-f]{8}-[0-9a-f-]{27})'", text)}
    shared = named.keys() & ROLES.keys()
    assert len(shared) > 2
    for number in shared:
        assert ROLES[number].replace(" ", "").lower() == named[number].lower()
