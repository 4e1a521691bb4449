"""What a process has resident: the launcher that tells it, and what the libraries take without a line of ours."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import certifi

from tests.integration.on_azure.shop import AzureShop
from tests.standins.azure import AzureStandIn

_TOLD = """
import os, sys
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(process, 0)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
LAUNCH = (sys.executable, "-I", "-S", "-c", _TOLD)
"""A Python with nothing loaded that starts a program and says at the end of standard error: seconds, megabytes.

Linux counts to a child what its parent had when it was started, so the parent must be smaller than what is measured.
"""
_STEPS = (
    ("Python itself", "sys"),
    ("and its TLS, HTTP and e-mail", "ssl, hashlib, urllib.request, http.server, email.policy"),
    ("and requests", "requests"),
    ("and azure-core, azure-mgmt-core", "azure.core.pipeline.policies, azure.core.pipeline.transport, azure.mgmt.core"),
    ("and cryptography", "cryptography.x509, cryptography.hazmat.primitives.serialization.pkcs12"),
    ("and msal, azure-identity", "azure.identity"),
    ("and asyncio, h11", "asyncio, h11, aiohappyeyeballs"),
    ("and PyYAML, sqlite3", "yaml, sqlite3"),
)
_USED = """
import asyncio, json, os, sqlite3, ssl, sys, urllib.request
from urllib.parse import urlsplit
import aiohappyeyeballs, h11, yaml
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
from azure.core.rest import HttpRequest
from azure.identity import ClientAssertionCredential
from azure.mgmt.core import ARMPipelineClient

tenant, client, base, path, ca = sys.argv[1:]

def assertion():
    url = os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=api%3A%2F%2FAzureADTokenExchange"
    bearer = {"Authorization": "bearer " + os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}
    with urllib.request.urlopen(urllib.request.Request(url, headers=bearer)) as answer:
        return json.load(answer)["value"]

credential = ClientAssertionCredential(
    tenant, client, assertion, authority=base, disable_instance_discovery=True, connection_verify=ca
)
token = BearerTokenCredentialPolicy(credential, "https://management.azure.com/.default")
arm = ARMPipelineClient(base_url=base, policies=[RetryPolicy(), token], connection_verify=ca)
arm.send_request(HttpRequest("GET", base + path)).raise_for_status()

async def probe():
    place = urlsplit(base)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, ssl=ssl.create_default_context())
    http = h11.Connection(h11.CLIENT)
    writer.write(http.send(h11.Request(method="GET", target="/", headers=[("Host", place.netloc)])))
    while not isinstance(http.next_event(), h11.Response):
        http.receive_data(await reader.read(65536))
    writer.close()

asyncio.run(probe())
"""


def trust_as_on_a_runner(azure: AzureStandIn) -> None:
    """Put the authorities that everybody trusts beside the local Azure's: each TLS connection loads them all."""
    ca = azure.server.ca
    ca.write_text(ca.read_text(encoding="utf-8") + Path(certifi.where()).read_text(encoding="utf-8"), encoding="utf-8")


def libraries_alone() -> list[tuple[str, float]]:
    """Give what Python has resident, in millions of bytes, with one library after the other, and in use."""
    told = [(name, _megabytes("-c", "import " + ", ".join(_up_to(name)))) for name, _ in _STEPS]
    with tempfile.TemporaryDirectory(prefix="azure-") as folder, AzureStandIn(Path(folder)) as azure:
        trust_as_on_a_runner(azure)
        shop = AzureShop(Path(folder), azure, "azure-app-service")
        path = f"{shop.app.path}?api-version=2023-12-01"
        words = (azure.identity.tenant, azure.application.client, azure.url, path, str(azure.server.ca))
        used = _megabytes("-c", _USED, *words, **azure.environment)
    return [*told, ("after one sign-in, one call and one probe by these alone", used)]


def _up_to(last: str) -> list[str]:
    names = [name for name, _ in _STEPS]
    return [modules for _, modules in _STEPS[: names.index(last) + 1]]


def _megabytes(*words: str, **env: str) -> float:
    command = [*LAUNCH, sys.executable, "-P", *words]
    env = {"PATH": os.environ["PATH"], **env}
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return float(done.stderr.split()[-1])
