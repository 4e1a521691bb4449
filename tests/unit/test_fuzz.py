"""A taste of `make fuzz` in every run of the tests, and what it once found."""

import random

import pytest

from tests.fuzz.mutate import document
from tests.fuzz.targets import BY_NAME, TARGETS, attempt


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_hostile_documents_end_in_no_traceback(target):
    """Every parser refuses with its own words, or accepts, as it does a good document."""
    chance = random.Random(target.name)
    for _ in range(100):
        attempt(target, document(chance.randbytes(chance.randrange(8, 48)), target.seeds))
    assert any(attempt(target, seed) for seed in target.seeds)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("http answer", b'{"status": "##[group]x"}'),
        ("http answer", b'{"status": ' + b"[" * 990 + b"]" * 990 + b"}"),
        ("http answer", b'{"a": {"b": [1]}, "a.\xc2\xb2": 1}'),
        ("openvex", b'{"@context": "https://openvex.dev/ns", "statements": [{"status": "fixed", "vulnerability": "x", "products": [[[]]]}]}'),
        ("openvex", b'{"@context": "https://openvex.dev/ns", "statements": [{"status": {}}]}'),
        ("trivy report", b'{"SchemaVersion": 2, "ArtifactType": {}}'),
        ("image layers", b"9" * 5000 + b"\tRUN x"),
        (".dockerignore", b"[[]"),
        (".dockerignore", b"[a--b]\n[&&]\n[~~|]"),
        ("scan record", b'{"schema": 1, "findings": [], "packages": {}, "artifact": "", "at": "", "trivy": "", "database": "", "database_updated": "", "left_out": Infinity}'),
    ],
)  # fmt: skip
def test_what_fuzzing_found_stays_fixed(name, text):
    """A document that once ended in a traceback, or reached the log as a command."""
    attempt(BY_NAME[name], text)
