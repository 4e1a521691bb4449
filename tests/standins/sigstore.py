"""A Sigstore of our own, with real keys: a certificate authority, its transparency log, and the log of signatures.

It makes bundles as GitHub keeps them, and the file with the keys to trust. Each can be made wrong in one place.
"""

import base64
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from lockgate.core.attestation import ISSUER, PAYLOAD, PROVENANCE

NUMBERS = {"issuer": 8, "workflow": 9, "workflow_commit": 10, "repository": 12, "commit": 13, "ref": 14, "run": 21}
SCTS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def claims(repository="ada/shop", commit="c" * 40, lockgate="OWNER/lockgate", file="build.yml", **changed):
    """What GitHub's authority writes into the certificate of a job that runs Lockgate's workflow."""
    return {
        "issuer": ISSUER,
        "workflow": f"https://github.com/{lockgate}/.github/workflows/{file}@refs/tags/v1",
        "workflow_commit": "1" * 40,
        "repository": f"https://github.com/{repository}",
        "commit": commit,
        "ref": "refs/heads/main",
        "run": f"https://github.com/{repository}/actions/runs/7/attempts/1",
        **changed,
    }


class Sigstore:
    """One instance."""

    def __init__(self):
        self._authority, self._certificates, self._signatures = (
            ec.generate_private_key(ec.SECP256R1()) for _ in range(3)
        )
        self._now = datetime.now(UTC).replace(microsecond=0)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of this test's own")])
        key = self._authority.public_key()
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "crl_sign", "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        self._usage = usage
        self._root = (
            x509.CertificateBuilder(name, name, key, x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=1))
            .not_valid_after(self._now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage, key_cert_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self._authority, hashes.SHA256())
        )

    def trusted_root(self):
        """The keys to trust, as JSON."""
        valid = {"start": (self._now - timedelta(days=1)).isoformat()}
        authority = {
            "subject": {"organization": "test", "commonName": "test"},
            "uri": "https://fulcio.example",
            "certChain": {"certificates": [{"rawBytes": _text(self._root.public_bytes(Encoding.DER))}]},
            "validFor": valid,
        }
        return json.dumps({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log(self._signatures, "https://rekor.example", valid)],
            "certificateAuthorities": [authority],
            "ctlogs": [_log(self._certificates, "https://ct.example", valid)],
            "timestampAuthorities": [],
        })  # fmt: skip

    def bundle(self, digest, said=None, *, kind=PROVENANCE, predicate=None, statement=None):
        """An attestation of a digest by a job that may be described so."""
        document = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "shop", "digest": {"sha256": digest.removeprefix("sha256:")}}],
            "predicateType": kind,
            "predicate": predicate or {"buildDefinition": {}},
            **(statement or {}),
        }
        payload = json.dumps(document).encode()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(key, said or claims())
        signature = _sign(key, b"DSSEv1 %d %s %d %s" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload))
        envelope = {"payload": _text(payload), "payloadType": PAYLOAD, "signatures": [{"sig": _text(signature)}]}
        pem = _text(certificate.public_bytes(Encoding.PEM))
        spec = {
            "envelopeHash": _sha256(json.dumps(envelope).encode()),
            "payloadHash": _sha256(payload),
            "signatures": [{"signature": one["sig"], "verifier": pem} for one in envelope["signatures"]],
        }
        return self._bundled(certificate, "dsse", spec) | {"dsseEnvelope": envelope}

    def of_file(self, data, said=None):
        """A signature of a file's bytes, as cosign writes it beside the file."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(key, said or claims())
        signature = _text(_sign(key, data))
        pem = _text(certificate.public_bytes(Encoding.PEM))
        spec = {"data": {"hash": _sha256(data)}, "signature": {"content": signature, "publicKey": {"content": pem}}}
        digest = {"algorithm": "SHA2_256", "digest": _text(hashlib.sha256(data).digest())}
        signed = {"messageDigest": digest, "signature": signature}
        return self._bundled(certificate, "hashedrekord", spec) | {"messageSignature": signed}

    def _bundled(self, certificate, kind, spec):
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _text(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [self._entry(kind, spec)],
                "timestampVerificationData": {"rfc3161Timestamps": []},
            },
        }

    def _certificate(self, key, said):
        """A certificate of ten minutes, with the claims and the log's promise in it."""
        builder = (
            x509.CertificateBuilder(self._root.subject, x509.Name([]), key.public_key(), x509.random_serial_number())
            .not_valid_before(self._now - timedelta(minutes=1))
            .not_valid_after(self._now + timedelta(minutes=9))
            .add_extension(
                x509.KeyUsage(**{**self._usage, "digital_signature": True}, key_cert_sign=False), critical=True
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority.public_key()), critical=False
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(said["workflow"])]), critical=True
            )
        )
        for name, number in NUMBERS.items():
            if said.get(name) is not None:
                oid = ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}")
                builder = builder.add_extension(
                    x509.UnrecognizedExtension(oid, _der(0x0C, said[name].encode())), critical=False
                )
        # The old form of the issuer, raw, which is still written beside the new one.
        raw = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.57264.1.1"), said["issuer"].encode())
        builder = builder.add_extension(raw, critical=False)
        before = builder.sign(self._authority, hashes.SHA256()).tbs_certificate_bytes
        promise = x509.UnrecognizedExtension(SCTS, _der(0x04, self._promise(before)))
        return builder.add_extension(promise, critical=False).sign(self._authority, hashes.SHA256())

    def _promise(self, tbs):
        """RFC 6962: that the certificate will be in the log."""
        stamp = int(self._now.timestamp() * 1000)
        entry = _key_id(self._authority) + len(tbs).to_bytes(3, "big") + tbs
        signature = _sign(self._certificates, struct.pack("!BBQH", 0, 0, stamp, 1) + entry + b"\0\0")
        one = struct.pack("!B32sQHBBH", 0, _key_id(self._certificates), stamp, 0, 4, 3, len(signature)) + signature
        return struct.pack("!HH", len(one) + 2, len(one)) + one

    def _entry(self, kind, spec):
        """Rekor's: the only leaf of a tree, with the signed root and the promise with its time."""
        body = json.dumps({"apiVersion": "0.0.1", "kind": kind, "spec": spec}).encode()
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"rekor.example - 1\n1\n{_text(root)}\n"
        signed = _text(_key_id(self._signatures)[:4] + _sign(self._signatures, note.encode()))
        stamp = int(self._now.timestamp())
        promised = {
            "body": _text(body),
            "integratedTime": stamp,
            "logID": _key_id(self._signatures).hex(),
            "logIndex": 0,
        }
        canonical = json.dumps(promised, sort_keys=True, separators=(",", ":")).encode()
        return {
            "logIndex": "0",
            "logId": {"keyId": _text(_key_id(self._signatures))},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(stamp),
            "inclusionPromise": {"signedEntryTimestamp": _text(_sign(self._signatures, canonical))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _text(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\N{EM DASH} rekor.example {signed}\n"},
            },
            "canonicalizedBody": _text(body),
        }


def _text(data):
    return base64.b64encode(data).decode()


def _sha256(data):
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _sign(key, data):
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key):
    return hashlib.sha256(_spki(key)).digest()


def _log(key, url, valid):
    public = {"rawBytes": _text(_spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": _text(_key_id(key))}}


def _der(tag, data):
    length = len(data)
    size = bytes([length]) if length < 0x80 else bytes([0x82]) + length.to_bytes(2, "big")
    return bytes([tag]) + size + data
