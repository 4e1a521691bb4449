"""Which base images can be asked about."""

import pytest

from lockgate.core.base_image import Base

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "asked"),
    [
        (f"python:3.12-slim@{DIGEST}", "registry-1.docker.io/library/python:3.12-slim"),
        (f"ada/base:1@{DIGEST}", "registry-1.docker.io/ada/base:1"),
        (f"docker.io/library/python:3@{DIGEST}", "registry-1.docker.io/library/python:3"),
        (f"mcr.example/dotnet/runtime:9.0@{DIGEST}", "mcr.example/dotnet/runtime:9.0"),
        (f"127.0.0.1:5000/base:1@{DIGEST}", "127.0.0.1:5000/base:1"),
        (f"python@{DIGEST}", None),
        ("python:3.12", None),
        (f"python:3.12@{DIGEST[:-1]}", None),
        (f"$IMAGE:1@{DIGEST}", None),
        ("", None),
    ],
)
def test_the_tag_beside_the_digest_is_what_is_asked_for(image, asked):
    """Without one of the two there is nothing to compare; short names are Docker Hub's."""
    base = Base.parse(image)
    assert (base and str(base.tag)) == asked
    assert base is None or base.digest == DIGEST
