"""A Key Vault: secrets with versions, for whoever has a token of the vault's own audience."""

import re
import secrets
import time

from tests.standins.azure.identity import VAULT_AUDIENCE, Identity
from tests.standins.azure.messages import Answer, Request, error
from tests.standins.azure.server import StandInServer


class Vault:
    """The vault at the server's own address."""

    def __init__(self, server: StandInServer, identity: Identity) -> None:
        self.url = server.url
        self._identity = identity
        self._all: dict[str, list[tuple[str, str]]] = {}
        server.route("GET", "/secrets/([^/]+)(?:/([^/]*))?", self._get)

    def set(self, name: str, value: str) -> None:
        """Give a secret a new version."""
        self._all.setdefault(name, []).append((secrets.token_hex(16), value))

    def _get(self, request: Request, match: re.Match[str]) -> Answer:
        if refused := self._identity.authorise(request, VAULT_AUDIENCE):
            if refused.status == 401:
                tenant = f"{self.url}/{self._identity.tenant}"
                refused.headers["WWW-Authenticate"] = f'Bearer authorization="{tenant}", resource="{VAULT_AUDIENCE}"'
            return refused
        versions = dict(self._all.get(match[1], ()))
        version = match[2] or next(reversed(versions), "")
        if version not in versions:
            return error(404, "SecretNotFound", f"A secret with (name/id) {match[1]} was not found in this key vault.")
        now = int(time.time())
        attributes = {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable+Purgeable"}
        identifier = f"{self.url}/secrets/{match[1]}/{version}"
        return Answer(200, {"value": versions[version], "id": identifier, "attributes": attributes})
