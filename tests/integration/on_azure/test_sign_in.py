"""Keyless sign-in against a real TLS server that stands in for GitHub and Entra."""

import sys
from dataclasses import replace

import pytest

from lockgate.adapters.azure.identity import GitHubOidc, KeylessCredential
from lockgate.commands.azure import open_arm, sign_in
from lockgate.core.config import Config
from lockgate.errors import SignInError, UntrustedAddressError
from tests.fixtures.stage import stage
from tests.standins.azure.identity import ARM_AUDIENCE, VAULT_AUDIENCE, FederatedCredential
from tests.standins.azure.messages import Answer

pytestmark = pytest.mark.judged
SCOPE = f"{ARM_AUDIENCE}/.default"
GITHUB = "GET /github/oidc"


@pytest.fixture
def credential(config, oidc):
    return KeylessCredential(config, oidc)


def test_a_token_comes_for_a_trusted_job(azure, credential):
    """GitHub vouches, Entra trusts, and the token is good for the resource manager."""
    token = credential.get_token(SCOPE).token
    assert azure.identity.tokens[token].audience == ARM_AUDIENCE


def test_the_assertion_is_new_for_every_token(azure, credential):
    """A long job asks again: an assertion is never used twice, and an expired token is replaced."""
    azure.identity.token_seconds = 0
    first = credential.get_token(SCOPE).token
    second = credential.get_token(SCOPE).token
    credential.get_token(f"{VAULT_AUDIENCE}/.default")
    assert first != second
    assert len(set(azure.identity.assertions)) == 3


def test_a_token_that_lives_is_used_again(azure, credential):
    """One exchange is enough for many calls."""
    assert credential.get_token(SCOPE).token == credential.get_token(SCOPE).token
    assert len(azure.identity.assertions) == 1


def break_tenant(azure):
    azure.identity.tenant = "00000000-0000-0000-0000-000000000000"


def break_client(azure):
    azure.identity.applications.clear()


def break_subject(azure):
    azure.application.credentials[0].subject = "repo:octo-org/storefront:environment:staging"


def break_audience(azure):
    azure.application.credentials[0].audience = "api://other"


def no_credential(azure):
    azure.application.credentials.clear()


def break_clock(azure):
    azure.identity.clock_skew = 400


def no_assignment(azure):
    azure.application.assigned = False


def no_consent(azure):
    azure.application.consented = False


def no_resource(azure):
    azure.identity.resources.clear()


def not_githubs(azure):
    azure.faults.refuse(GITHUB, Answer(200, {"value": "a.b.c"}), times=9)


@pytest.mark.parametrize(
    ("spoil", "code", "fix"),
    [
        (break_tenant, "90002", "azure.tenant"),
        (break_client, "700016", "azure.client"),
        (break_subject, "700213", "federated credential"),
        (break_audience, "700212", "api://AzureADTokenExchange"),
        (no_credential, "70025", "Create one"),
        (break_clock, "700024", "NTP"),
        (no_assignment, "50105", "assign"),
        (no_consent, "65001", "roles"),
        (no_resource, "500011", "azure.cloud.resource_manager"),
        (not_githubs, "7000215", "proxy"),
    ],
)
def test_every_refusal_is_explained(azure, credential, spoil, code, fix):
    """The message has Entra's code, and the fix a person can do."""
    spoil(azure)
    with pytest.raises(SignInError) as caught:
        credential.get_token(SCOPE)
    assert f"AADSTS{code}" in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.exit_code == 90


def test_a_mismatch_shows_what_was_presented_in_both_forms(azure, credential):
    """Whoever has to correct the credential can copy the subject, whichever form the repository uses."""
    azure.identity.subject = "repo:octo-org@65/storefront@74:environment:production"
    with pytest.raises(SignInError) as caught:
        credential.get_token(SCOPE)
    assert "presented subject: repo:octo-org@65/storefront@74:environment:production" in caught.value.why
    assert "by names: repo:octo-org/storefront:environment:production" in caught.value.why
    assert "immutable ids: repo:octo-org@65/storefront@74:environment:production" in caught.value.why
    assert "claims['job_workflow_ref'] matches 'octo-org/lockgate/.github/workflows/deploy.yml" in caught.value.why


def test_only_the_deploy_workflow_may_sign_in(azure, credential):
    """A flexible credential on job_workflow_ref shuts out every other workflow of the same environment."""
    trusted = {"sub": azure.identity.subject, "job_workflow_ref": "octo-org/lockgate/.github/workflows/deploy.yml@*"}
    azure.application.credentials = [FederatedCredential(claims=trusted)]
    assert credential.get_token(SCOPE).token
    azure.identity.claims["job_workflow_ref"] = "octo-org/storefront/.github/workflows/evil.yml@refs/heads/main"
    azure.identity.token_seconds = 0
    azure.identity.expire_tokens()
    with pytest.raises(SignInError, match="700213"):
        credential.get_token(f"{VAULT_AUDIENCE}/.default")


def test_another_cloud_has_its_own_addresses_and_audiences(azure, config, oidc, clock):
    """A token for what azure.cloud names, asked of its authority, good for its Resource Manager and its vaults only."""
    azure.identity.resources = {"https://management.core.usgovcloudapi.net", "https://vault.usgovcloudapi.net"}
    own = replace(config.cloud, audience="https://management.core.usgovcloudapi.net/")
    credential = KeylessCredential(replace(config, cloud=own), oidc)
    assert azure.identity.tokens[credential.get_token(own.scope).token].audience == own.audience.rstrip("/")
    assert credential.get_token("https://vault.usgovcloudapi.net/.default").token
    with pytest.raises(SignInError, match="500011"):
        credential.get_token(SCOPE)
    with pytest.raises(ValueError, match="TLS protected"):
        KeylessCredential(replace(config, cloud=replace(own, authority="http://127.0.0.1:1")), oidc)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_private_ca_is_named_by_any_of_the_usual_variables(azure, config, tmp_path, variable):
    """GitHub's endpoint, Entra and the Resource Manager are trusted by it; without it, none of them is."""
    env = {name: value for name, value in azure.environment.items() if not name.endswith(("_FILE", "_BUNDLE"))}
    path = f"{azure.root}/providers/Microsoft.ContainerRegistry/registries"
    for extra, trusted in (({variable: str(azure.server.ca)}, True), ({}, False)):
        made = stage(tmp_path, Config("shop", azure=config), {**env, **extra})
        arm = open_arm(made.project)
        try:
            if trusted:
                assert arm.get(path, "2023-07-01")["value"]
            else:
                with pytest.raises(SignInError, match="GitHub did not give"):
                    arm.get(path, "2023-07-01")
        finally:
            arm.close()


def test_without_azures_libraries_it_says_what_to_install(config, tmp_path, monkeypatch):
    """Whoever installed Lockgate without the extra."""
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(SignInError) as caught:
        sign_in(stage(tmp_path, Config("shop", azure=config), {}).project, config)
    assert "`make setup`" in caught.value.fix


def test_no_secret_is_shown(azure, config, oidc):
    """Neither the assertion nor the runner's bearer is in any message."""
    azure.application.credentials.clear()
    with pytest.raises(SignInError) as caught:
        KeylessCredential(config, oidc).get_token(SCOPE)
    assert azure.identity.assertions[0] not in str(caught.value)
    assert azure.identity.request_token not in str(caught.value)


def test_githubs_endpoint_is_asked_again_when_it_stumbles(azure, credential):
    """Two errors of a gateway are nothing; the third try counts."""
    azure.faults.status(GITHUB, 503, times=2)
    assert credential.get_token(SCOPE).token


def test_an_answer_of_githubs_endpoint_that_is_cut_off_is_asked_for_again(azure, credential):
    """A gateway ended it in the middle of a chunk: that stumble is as good as any other."""
    cut = Answer(200, {"value": "half"}, {"Transfer-Encoding": "chunked"})
    azure.faults.refuse(GITHUB, cut, times=2)
    assert credential.get_token(SCOPE).token


def test_a_job_without_the_permission_is_told_so(azure, config, oidc):
    """A runner without `id-token: write` is the first thing everybody meets."""
    spoilt = GitHubOidc(oidc.url, "wrong", oidc.ca)
    with pytest.raises(SignInError) as caught:
        KeylessCredential(config, spoilt).get_token(SCOPE)
    assert "id-token: write" in caught.value.fix


def test_the_bearer_follows_no_redirect(azure, config, oidc):
    """A redirect would carry the runner's bearer away."""
    elsewhere = {"Location": f"{azure.server.foreign_url}/github/oidc/token"}
    azure.faults.refuse(GITHUB, Answer(302, None, elsewhere), times=9)
    with pytest.raises(SignInError):
        KeylessCredential(config, oidc).get_token(SCOPE)
    assert all("localhost" not in one.request.url for one in azure.server.exchanges)


def test_the_token_endpoint_must_be_https(config, oidc):
    """A bearer is not sent in the clear."""
    with pytest.raises(UntrustedAddressError):
        GitHubOidc("http://127.0.0.1:1/x", "bearer").assertion()
