"""GitHub's OIDC endpoint and Entra's token endpoint: real claims, real expiry, and Entra's own error texts."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.standins.azure.messages import Answer, Request, error
from tests.standins.azure.server import StandInServer

ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"
ARM_AUDIENCE = "https://management.azure.com"
VAULT_AUDIENCE = "https://vault.azure.net"
REGISTRY_AUDIENCE = "https://containerregistry.azure.net"
_KEY = secrets.token_bytes(32)


@dataclass(slots=True)
class FederatedCredential:
    """Whom an application trusts: one subject, or a flexible expression over claims."""

    subject: str = ""
    claims: dict[str, str] = field(default_factory=dict)
    """Of a flexible credential: claim -> wildcard pattern."""
    audience: str = AUDIENCE

    def trusts(self, claims: dict[str, Any]) -> bool:
        """Whether these claims match."""
        wanted = self.claims or {"sub": self.subject}
        return all(
            re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), str(claims.get(name, "")))
            for name, pattern in wanted.items()
        )


@dataclass(slots=True)
class Application:
    """An app registration or managed identity, and what it may do."""

    client: str
    credentials: list[FederatedCredential] = field(default_factory=list)
    assigned: bool = True
    """False: an assignment is required, and this one has none."""
    consented: bool = True
    revoked: bool = False
    """It has no role any more: sign-in works, and every call is denied."""


@dataclass(slots=True)
class Token:
    """An access token that was issued."""

    application: Application
    audience: str
    expires: float


class Identity:
    """Both ends of the keyless exchange."""

    def __init__(self, server: StandInServer) -> None:
        self.server = server
        self.tenant = str(uuid.uuid4())
        self.request_token = secrets.token_hex(16)
        self.applications: dict[str, Application] = {}
        self.tokens: dict[str, Token] = {}
        self.claims: dict[str, Any] = {
            "repository": "octo-org/storefront",
            "repository_id": "74",
            "repository_owner": "octo-org",
            "repository_owner_id": "65",
            "environment": "production",
            "job_workflow_ref": "octo-org/lockgate/.github/workflows/deploy.yml@refs/tags/v1",
        }
        self.subject = "repo:octo-org/storefront:environment:production"
        self.assertion_seconds = 300.0
        self.token_seconds = 3600.0
        self.clock_skew = 0.0
        """Seconds that Entra's clock is ahead of GitHub's."""
        self.resources = {ARM_AUDIENCE, VAULT_AUDIENCE, REGISTRY_AUDIENCE}
        self.assertions: list[str] = []
        server.route("GET", "/github/oidc/token", self._github)
        server.route("POST", "/([^/]+)/oauth2/v2.0/token", self._entra)

    @property
    def request_url(self) -> str:
        """What a runner has as ACTIONS_ID_TOKEN_REQUEST_URL."""
        return f"{self.server.url}/github/oidc/token?api-version=2.0"

    def register(self, *subjects: str) -> Application:
        """Add an application that trusts these subjects."""
        trusted = [FederatedCredential(subject) for subject in subjects or (self.subject,)]
        application = Application(str(uuid.uuid4()), trusted)
        self.applications[application.client] = application
        return application

    def authorise(self, request: Request, audience: str = ARM_AUDIENCE) -> Answer | None:
        """Let a call pass, or give the answer that refuses it."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(value) if kind == "Bearer" else None
        if token is None or token.expires < time.time() or token.audience != audience:
            return error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if token.application.revoked:
            text = (
                f"The client '{token.application.client}' with object id '00000000-0000-0000-0000-000000000001' does "
                f"not have authorization to perform action '{request.method}' over scope '{request.path}' or the scope "
                "is invalid. If access was recently granted, please refresh your credentials."
            )
            return error(403, "AuthorizationFailed", text)
        return None

    def expire_tokens(self) -> None:
        """Let every access token run out now."""
        for token in self.tokens.values():
            token.expires = 0.0

    def _github(self, request: Request, _: re.Match[str]) -> Answer:
        if request.headers.get("authorization", "").lower() != f"bearer {self.request_token}".lower():
            return Answer(401, {"message": "bad token"})
        now = int(time.time())
        claims = {
            **self.claims,
            "iss": ISSUER,
            "sub": self.subject,
            "aud": request.query.get("audience", f"https://github.com/{self.claims['repository_owner']}"),
            "iat": now,
            "exp": now + self.assertion_seconds,
            "jti": str(uuid.uuid4()),
        }
        self.assertions.append(_sign(claims))
        return Answer(200, {"count": len(self.assertions), "value": self.assertions[-1]})

    def _entra(self, request: Request, match: re.Match[str]) -> Answer:
        form = request.form
        application = self.applications.get(form.get("client_id", ""))
        if match[1] != self.tenant:
            return _aadsts(
                400,
                "invalid_request",
                90002,
                f"Tenant '{match[1]}' not found. Check to make sure you have the correct tenant ID.",
            )
        if application is None:
            return _aadsts(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{form.get('client_id')}' was not found in the directory 'Octo'.",
            )
        if (refused := self._assertion(application, form.get("client_assertion", ""))) is not None:
            return refused
        audience = form.get("scope", "").removesuffix("/.default")
        if audience not in self.resources:
            return _aadsts(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {audience} was not found in the tenant named Octo.",
            )
        if not application.consented:
            return _aadsts(
                400, "invalid_grant", 65001, "The user or administrator has not consented to use the application."
            )
        if not application.assigned:
            return _aadsts(
                400,
                "invalid_grant",
                50105,
                "Your administrator has configured the application to block users unless they are specifically granted access.",
            )
        value = secrets.token_urlsafe(24)
        self.tokens[value] = Token(application, audience, time.time() + self.token_seconds)
        seconds = int(self.token_seconds)
        return Answer(
            200, {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": value}
        )

    def _assertion(self, application: Application, assertion: str) -> Answer | None:
        claims = _verify(assertion)
        if claims is None:
            return _aadsts(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value.",
            )
        if claims["exp"] <= time.time() + self.clock_skew:
            return _aadsts(
                401,
                "invalid_client",
                700024,
                f"Client assertion is not within its valid time range. Current time: {time.time()}, expiry time of assertion {claims['exp']}.",
            )
        if not application.credentials:
            return _aadsts(
                400,
                "invalid_request",
                70025,
                f"The client '{application.client}'(lockgate) has no configured federated identity credentials.",
            )
        if all(one.audience != claims["aud"] for one in application.credentials):
            return _aadsts(
                401,
                "invalid_client",
                700212,
                f"No matching federated identity record found for presented assertion audience '{claims['aud']}'.",
            )
        if not any(one.trusts(claims) for one in application.credentials):
            return _aadsts(
                401,
                "invalid_client",
                700213,
                f"No matching federated identity record found for presented assertion subject '{claims['sub']}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
            )
        return None


def _aadsts(status: int, kind: str, code: int, text: str) -> Answer:
    trace = f"Trace ID: {uuid.uuid4()} Correlation ID: {uuid.uuid4()} Timestamp: 2026-11-25 10:00:00Z"
    body = {"error": kind, "error_description": f"AADSTS{code}: {text} {trace}", "error_codes": [code]}
    return Answer(status, body)


def _sign(claims: dict[str, Any]) -> str:
    parts = [_encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "RS256", "kid": "1"}, claims)]
    return ".".join([*parts, _encode(hmac.digest(_KEY, ".".join(parts).encode(), hashlib.sha256))])


def _verify(token: str) -> dict[str, Any] | None:
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, _encode(hmac.digest(_KEY, signed.encode(), hashlib.sha256))):
        return None
    payload = signed.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
