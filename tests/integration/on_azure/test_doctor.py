"""`lockgate doctor` and Azure: the app, whom the identity trusts, and what it may do; read, and nothing changed."""

import re

import pytest

from lockgate.adapters.config_file import load
from lockgate.commands import doctor_azure
from tests.fixtures.stage import stage
from tests.integration.on_azure.shop import AzureShop
from tests.standins.azure.messages import Answer, error

pytestmark = pytest.mark.judged
PRODUCTION = "repo:ada/shop:environment:production"
WEBSITE_CONTRIBUTOR = "de139f84-1756-47ae-9be6-808fbbe84772"


class Access:
    """The identities of a subscription and the role assignments of the app: as a person arranges them.

    Of these three reads ../shared/contracts has no description. Microsoft's own clients, azure-mgmt-msi 7.1.0 and
    azure-mgmt-authorization 4.0.0, ask the same paths, and read these very answers.
    """

    def __init__(self, azure):
        self.azure, self.subjects, self.roles = azure, [PRODUCTION], [WEBSITE_CONTRIBUTOR]
        self.client = azure.application.client
        group = re.escape(azure.root)
        identities = "/subscriptions/[^/]+/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
        azure.server.route("GET", identities, self._signed_in(self._identities))
        azure.server.route("GET", f"{group}/.+/federatedIdentityCredentials", self._signed_in(self._credentials))
        azure.server.route(
            "GET", f"{group}/.+/providers/Microsoft.Authorization/roleAssignments", self._signed_in(self._roles)
        )

    def _signed_in(self, answer):
        return lambda request, _: self.azure.identity.authorise(request) or answer()

    def _identities(self):
        path = f"{self.azure.root}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/lockgate-production"
        about = {"clientId": self.client, "principalId": "me", "tenantId": self.azure.identity.tenant}
        return Answer(200, {"value": [{"id": path, "name": "lockgate-production", "properties": about}]})

    def _credentials(self):
        trusted = {"issuer": "https://token.actions.githubusercontent.com", "audiences": ["api://AzureADTokenExchange"]}
        return Answer(200, {"value": [{"properties": {**trusted, "subject": one}} for one in self.subjects]})

    def _roles(self):
        app = f"{self.azure.root}/providers/Microsoft.Web/sites/shop"
        given = {"scope": app, "principalId": "me"}
        prefix = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions"
        return Answer(
            200, {"value": [{"properties": {**given, "roleDefinitionId": f"{prefix}/{one}"}} for one in self.roles]}
        )


@pytest.fixture
def access(azure):
    return Access(azure)


@pytest.fixture
def checks(azure, access, tmp_path):
    shop = AzureShop(tmp_path, azure, "azure-app-service")
    shop.config["environments"]["production"]["approval"] = "required"
    shop.write()

    def run():
        config = load(tmp_path / "lockgate.yml")
        project = stage(tmp_path, config, {**azure.environment, "GITHUB_REPOSITORY": "ada/shop"}).project
        return [(check.ok, check.text) for check in doctor_azure.azure(project)]

    return run


def test_what_is_in_order_is_said_to_be(checks):
    """The identity trusts this environment's job alone, the app is there, the role is enough and no more."""
    assert checks() == [
        (True, f"the identity trusts {PRODUCTION}"),
        (True, "shop is there"),
        (True, "the identity may deploy: Website Contributor"),
    ]


def test_what_is_missing_is_named(checks, access):
    """Another environment is trusted, a job that nobody approves too, and nothing may be deployed."""
    access.subjects = ["repo:ada/shop:environment:staging", "repo:ada/shop:pull_request"]
    access.roles = []
    assert [ok for ok, _ in checks()] == [False, False, True, False]


def test_what_cannot_be_seen_is_not_called_good(checks, access, azure):
    """An app registration is none of the subscription's identities; nor is a refusal an answer."""
    access.client = "another"
    assert [ok for ok, _ in checks()] == [None, True]
    azure.faults.refuse("GET .*userAssignedIdentities", error(403, "AuthorizationFailed", "The client may not read."))
    ((ok, text),) = checks()
    assert ok is None
    assert "does not allow GET userAssignedIdentities" in text
