"""Sigstore bundles: who signed one, and what. Nothing in one is believed before all of its signatures are checked.

The keys that are trusted come with the locked package, or from a file that the config names: not from the network, and
not from the cache in somebody's home directory, which a test that ran as the same user could have written. What is
checked (the certificate's chain and log, the signature, its log entry and time) is sigstore's own code.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.core.attestation import Claims
from lockgate.errors import ProvenanceUnverifiableError
from lockgate.errors.extras import set_up

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

_OID = "1.3.6.1.4.1.57264.1."
_CLAIMS = {"issuer": 8, "workflow": 9, "workflow_commit": 10, "repository": 12, "commit": 13, "ref": 14, "run": 21}
_STORE = "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
_UTF8, _LONG = 0x0C, 0x80
_IN_NO_LOG = (
    "it stands in no public log; GitHub signs so for a private repository, which Lockgate cannot verify: see "
    "docs/provenance.md"
)


class BundleInvalidError(ValueError):
    """A bundle that is none, or that nobody signed whom we know."""


class _Read:
    """A policy of sigstore's that refuses nothing and keeps the certificate: `core.attestation` decides."""

    def __init__(self) -> None:
        self.claims = Claims()

    def verify(self, cert: "Certificate") -> None:
        """Take the claims from the certificate, whose chain has been checked."""
        self.claims = claims(cert)


class Bundles:
    """Verifies bundles against one root of trust."""

    def __init__(self, trusted_root: Path | None = None) -> None:
        """Read the keys; raise ProvenanceUnverifiableError where that cannot be done."""
        self.verifier = _verifier(trusted_root)

    def open(self, bundle: Mapping[str, Any]) -> tuple[Claims, str, bytes]:
        """Give who signed, and the type and the bytes of what was signed; raise BundleInvalidError."""
        from sigstore.models import Bundle  # noqa: PLC0415 - a second that only those who verify should pay

        if not _stands_in_a_log(bundle):
            raise BundleInvalidError(_IN_NO_LOG)
        read = _Read()
        try:
            kind, payload = self.verifier.verify_dsse(Bundle.from_json(json.dumps(bundle)), read)
        except Exception as error:  # whatever a hostile bundle makes the libraries raise: it is refused
            raise BundleInvalidError(str(error) or type(error).__name__) from error
        return read.claims, kind, payload


def _stands_in_a_log(bundle: Mapping[str, Any]) -> bool:
    """Whether a bundle says so at all, or is no bundle; what it says is verified after that."""
    material = bundle.get("verificationMaterial")
    return not isinstance(material, Mapping) or bool(material.get("tlogEntries"))


def claims(certificate: "Certificate") -> Claims:
    """Read what the certificate says about the job; what it does not say is ""."""
    from cryptography.x509 import ExtensionNotFound, ObjectIdentifier, UnrecognizedExtension  # noqa: PLC0415

    found = {}
    for name, number in _CLAIMS.items():
        try:
            extension = certificate.extensions.get_extension_for_oid(ObjectIdentifier(f"{_OID}{number}")).value
        except ExtensionNotFound:
            continue
        if isinstance(extension, UnrecognizedExtension):
            found[name] = utf8(extension.value)
    return Claims(**found)


def utf8(der: bytes) -> str:
    """Read a UTF8String of ASN.1's DER, the whole of the bytes; raise ValueError."""
    if len(der) < 2 or der[0] != _UTF8:  # noqa: PLR2004 - a tag and a length
        raise ValueError("a claim of the certificate is no text")
    length, start = der[1], 2
    if length & _LONG:
        start += length & ~_LONG
        length = int.from_bytes(der[2:start], "big")
    if len(der) - start != length:
        raise ValueError("a claim of the certificate is cut off")
    return der[start:].decode()


def _verifier(trusted_root: Path | None) -> "Verifier":
    try:
        import sigstore  # noqa: PLC0415
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.models import TrustedRoot  # noqa: PLC0415
        from sigstore.verify import Verifier  # noqa: PLC0415
    except ImportError as error:
        raise ProvenanceUnverifiableError(
            "The attestations cannot be verified: sigstore is not installed.", fix=set_up("attestations")
        ) from error
    logging.getLogger("sigstore").setLevel(logging.CRITICAL)  # what it has to say comes as its errors
    path = trusted_root or Path(sigstore.__file__).parent / "_store" / _STORE / "trusted_root.json"
    try:
        return Verifier(trusted_root=TrustedRoot.from_file(str(path)))
    except (OSError, ValueError, Error) as error:
        raise ProvenanceUnverifiableError(
            f"{path} cannot be read as the keys to trust: {error}.",
            fix="Take one line of what `gh attestation trusted-root` prints, or leave provenance.trusted_root out.",
        ) from error
