"""Why Entra refused a keyless sign-in, in words that lead to the fix. Pure: the answer and the claims come in as data.

Entra's codes: learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

AUDIENCE = "api://AzureADTokenExchange"
"""The audience that Entra expects of a federated assertion."""
_CODE = re.compile(r"AADSTS(\d+)")
_MISMATCH = {"700213", "70021", "70025", "700211"}


class Explained(NamedTuple):
    """The three parts of an error's message."""

    what: str
    why: str
    fix: str


_KNOWN = {
    "700213": (
        "No federated credential of {client} matches who this job is.",
        (
            "Give the application a federated credential for this environment (see docs/azure.md), or correct "
            "the subject of the one it has, letter by letter; it is case-sensitive."
        ),
    ),
    "70021": (
        "No federated credential of {client} matches who this job is, or it has none.",
        "Create a federated credential for this environment (see docs/azure.md). A new one takes a minute to work.",
    ),
    "70025": (
        "The application {client} has no federated credential at all.",
        (
            "Create one for this environment (see docs/azure.md), on the application or identity that azure.client "
            "names."
        ),
    ),
    "700211": (
        "No federated credential of {client} has this issuer.",
        (
            "Set the issuer of the federated credential to the one that was presented. GitHub Enterprise Server and "
            "ghe.com have issuers of their own."
        ),
    ),
    "700212": (
        "The federated credential of {client} expects another audience than the one presented.",
        "Set its audience to api://AzureADTokenExchange.",
    ),
    "700024": (
        "Entra does not take the assertion's time for valid.",
        (
            "Lockgate asks GitHub for a new assertion at every sign-in, so this is a clock: on a self-hosted "
            "runner, have it set by NTP. If the clock is right, run the job again."
        ),
    ),
    "700016": (
        "The tenant {tenant} has no application {client}.",
        "Correct azure.client (the application's client id, not its object id) or azure.tenant.",
    ),
    "90002": ("There is no tenant {tenant}.", "Correct azure.tenant; for a national cloud also azure.cloud.authority."),
    "900023": ("{tenant} is no tenant id.", "Correct azure.tenant: a GUID, or a verified domain."),
    "7000215": (
        "Entra took the assertion for a client secret that is wrong.",
        (
            "What was presented is no token of GitHub's. Look for a proxy between the runner and GitHub, and that "
            "azure.cloud.authority is Entra's address."
        ),
    ),
    "7000222": (
        "The application's client secret has expired.",
        "Lockgate uses none. Remove it, and give the application a federated credential (docs/azure.md).",
    ),
    "50105": (
        "The application {client} requires an assignment, and this identity has none.",
        "In Entra, under Enterprise applications, assign it or set `Assignment required` to No.",
    ),
    "500011": (
        "The tenant {tenant} does not know the service that a token was asked for.",
        "Correct azure.cloud.resource_manager for this cloud; a Key Vault of another cloud is refused in the same way.",
    ),
    "65001": (
        "Nobody has consented that {client} may use this service.",
        (
            "Lockgate needs roles and no consent. Check that azure.client is the application of docs/azure.md, and "
            "that azure.cloud.resource_manager is Azure's own address."
        ),
    ),
    "7000229": (
        "The tenant {tenant} has no service principal for the application {client}.",
        "Create it once: az ad sp create --id {client}. A managed identity has one of its own.",
    ),
    "53003": (
        "A Conditional Access policy of the tenant {tenant} blocks {client}.",
        (
            "Such a policy for workload identities often names locations: have it leave this one out, or run the job "
            "on a runner whose address it allows."
        ),
    ),
    "7000112": ("The application {client} is disabled.", "Enable it in Entra, under Enterprise applications."),
    "700027": (
        "Entra could not check the assertion's signature.",
        "Set the issuer of the federated credential to the one that was presented.",
    ),
}


def explain(answer: str, *, tenant: str, client: str, claims: Mapping[str, Any]) -> Explained:
    """Explain Entra's answer. `claims` are those of the assertion that was presented, {} where none was."""
    found = _CODE.search(answer)
    code = found[1] if found else ""
    what, fix = _KNOWN.get(code, ("Entra refused the sign-in of {client}.", "Look the code up in Entra's error codes."))
    if not code:
        fix = "Check the network to Entra, and azure.cloud.authority."
    said = f"Entra said: {_first_line(answer)}"
    why = f"{said}\n{_presented(claims)}" if code in _MISMATCH | {"700212", "700027"} and claims else said
    names = {"tenant": tenant, "client": client}
    return Explained(what.format(**names) + (f" (AADSTS{code})" if code else ""), why, fix.format(**names))


def subjects(claims: Mapping[str, Any]) -> tuple[str, str]:
    """Give the subject that this job has in both of GitHub's forms: by names, and by names with immutable ids.

    Repositories that were made, renamed or moved since 2026-07-15 have the second; the others may choose it. Source:
    github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens.
    """
    owner, _, name = str(claims.get("repository", "")).partition("/")
    context = str(claims.get("sub", "")).split(":", 2)[-1]
    ids = (claims.get("repository_owner_id", "?"), claims.get("repository_id", "?"))
    return f"repo:{owner}/{name}:{context}", f"repo:{owner}@{ids[0]}/{name}@{ids[1]}:{context}"


def expression(claims: Mapping[str, Any]) -> str:
    """Give the flexible federated credential's expression that matches this job, and no other workflow's."""
    return (
        f"claims['sub'] matches '{claims.get('sub', '')}' and "
        f"claims['job_workflow_ref'] matches '{claims.get('job_workflow_ref', '')}'"
    )


def _presented(claims: Mapping[str, Any]) -> str:
    by_name, by_id = subjects(claims)
    return "\n".join(
        [
            f"presented issuer: {claims.get('iss', '')}",
            f"presented subject: {claims.get('sub', '')}",
            f"presented audience: {claims.get('aud', '')}",
            f"the subject by names: {by_name}",
            f"the subject with immutable ids: {by_id}",
            f"as a flexible credential's expression: {expression(claims)}",
        ]
    )


def _first_line(answer: str) -> str:
    text = " ".join(answer.split())
    return re.split(r" Trace ID:", text)[0][:600]
