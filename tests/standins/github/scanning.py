"""Uploaded SARIF reports, and attestations."""

import base64
import binascii
import gzip
import json
import re

from tests.standins.github.state import Refused


def upload(state, query, body):
    try:
        report = json.loads(gzip.decompress(base64.b64decode(body["sarif"], validate=True)))
    except (ValueError, binascii.Error, gzip.BadGzipFile, EOFError) as error:
        raise Refused(400, "Invalid SARIF") from error
    if report.get("version") != "2.1.0":
        raise Refused(400, "Invalid SARIF. The version must be 2.1.0")
    number = f"47177e22-5596-11eb-80a1-{next(state.ids):012d}"
    state.analyses[number] = {"report": report, "commit": body["commit_sha"], "ref": body["ref"]}
    return 202, {"id": number, "url": f"{state.url}/code-scanning/sarifs/{number}"}


def status(state, query, body, number):
    if number not in state.analyses:
        raise Refused(404, "Not Found")
    page = f"{state.url}/code-scanning/analyses?sarif_id={number}"
    return 200, {"processing_status": "complete", "analyses_url": page, "errors": None}


def attest(state, query, body):
    number = next(state.ids)
    state.attestations.setdefault(number, body["bundle"])
    return 201, {"id": number}


def attested(state, query, body, digest):
    found = []
    for number, bundle in state.attestations.items():
        said = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        about = {f"sha256:{one['digest']['sha256']}" for one in said["subject"]}
        kind = "provenance" if "slsa.dev/provenance" in said["predicateType"] else "sbom"
        if digest in about and query.get("predicate_type") in {None, kind, said["predicateType"]}:
            page = f"https://blobs.example/{number}"
            found.append({"bundle": bundle, "repository_id": 1, "bundle_url": page, "initiator": "user"})
    return (
        (200, {"attestations": found})
        if found
        else (404, {"message": "Not Found", "documentation_url": "x", "status": "404"})
    )


ROUTES = [
    ("GET", re.compile("/attestations/([^/]+)"), "attestations", "read", attested),
    ("POST", re.compile("/code-scanning/sarifs"), "security-events", "write", upload),
    ("GET", re.compile("/code-scanning/sarifs/([^/]+)"), "security-events", "read", status),
    ("POST", re.compile("/attestations"), "attestations", "write", attest),
]
