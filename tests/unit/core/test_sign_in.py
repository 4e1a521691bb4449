"""Why a sign-in was refused: every code that a person can meet has its cause and its fix."""

import pytest

from lockgate.core.sign_in import _KNOWN, explain, expression, subjects

CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": "api://AzureADTokenExchange",
    "sub": "repo:octo-org@65/storefront@74:environment:production",
    "repository": "octo-org/storefront",
    "repository_owner_id": "65",
    "repository_id": "74",
    "job_workflow_ref": "octo-org/lockgate/.github/workflows/deploy.yml@refs/tags/v1",
}
SAYS = {
    "700213": "letter by letter",
    "70021": "docs/azure.md",
    "70025": "Create one for this environment",
    "700211": "issuer of the federated credential",
    "700212": "audience to api://AzureADTokenExchange",
    "700024": "NTP",
    "700016": "client id, not its object id",
    "90002": "azure.tenant",
    "900023": "GUID",
    "7000215": "proxy",
    "7000222": "Lockgate uses none",
    "7000229": "az ad sp create --id the-client",
    "50105": "Assignment required",
    "500011": "azure.cloud.resource_manager",
    "53003": "Conditional Access",
    "65001": "consent",
    "7000112": "Enterprise applications",
    "700027": "issuer of the federated credential",
}


def explained(code, claims=CLAIMS):
    answer = f"AADSTS{code}: Some words of Entra's. Trace ID: 1 Correlation ID: 2"
    return explain(answer, tenant="the-tenant", client="the-client", claims=claims)


@pytest.mark.parametrize("code", SAYS)
def test_each_code_says_what_and_what_to_do(code):
    """With Entra's code and words, without its trace ids, and with no place left open."""
    found = explained(code)
    assert f"(AADSTS{code})" in found.what
    assert SAYS[code] in f"{found.what} {found.fix}"
    assert "Some words of Entra's." in found.why
    assert "Trace ID" not in found.why
    assert "{" not in f"{found.what}{found.fix}"


def test_every_code_that_is_known_is_in_this_table():
    """A new one gets its line."""
    assert set(SAYS) == set(_KNOWN)


@pytest.mark.parametrize(
    ("form", "repository"), [("names", "octo-org/storefront"), ("immutable ids", "octo-org@65/storefront@74")]
)
def test_a_mismatch_shows_the_presented_subject_and_both_forms(form, repository):
    """Whichever of them this repository presents."""
    claims = {**CLAIMS, "sub": f"repo:{repository}:environment:production"}
    for code in ("700213", "70021", "70025", "700211", "700212", "700027"):
        why = explained(code, claims).why
        assert f"presented subject: repo:{repository}:environment:production" in why
        assert "by names: repo:octo-org/storefront:environment:production" in why
        assert "immutable ids: repo:octo-org@65/storefront@74:environment:production" in why
        assert expression(claims) in why
    assert subjects(claims) == (
        "repo:octo-org/storefront:environment:production",
        "repo:octo-org@65/storefront@74:environment:production",
    )


def test_what_is_no_mismatch_shows_no_claims_and_what_is_unknown_its_code():
    """A code nobody knows is passed on; an answer without one is a question of the network."""
    assert "presented" not in explained("700024").why
    assert "error codes" in explained("999999").fix
    assert "network" in explain("Connection refused", tenant="t", client="c", claims={}).fix
