"""Package URLs: the ecosystem, the full name and the version, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.purl import Package, parse


@pytest.mark.parametrize(
    ("url", "package"),
    [
        ("pkg:pypi/h11@0.14.0", Package("pypi", "h11", "0.14.0")),
        ("pkg:pypi/Zope_Interface.x@1", Package("pypi", "zope-interface-x", "1")),
        ("pkg:npm/%40angular/core@12.0.0", Package("npm", "@angular/core", "12.0.0")),
        ("pkg:npm/@angular/core@12.0.0", Package("npm", "@angular/core", "12.0.0")),
        ("pkg:npm/@angular/core", Package("npm", "@angular/core")),
        ("pkg:maven/org.example/thing@1.0?type=jar", Package("maven", "org.example/thing", "1.0")),
        ("pkg:golang/golang.org/x/net@v0.1.0#html", Package("golang", "golang.org/x/net", "v0.1.0")),
        ("pkg:deb/debian/zlib1g@1.2.13.dfsg-1?arch=amd64&epoch=1", Package("deb", "zlib1g", "1:1.2.13.dfsg-1")),
        ("pkg:deb/debian/zlib1g@1%3A1.2.13%2Bdfsg-1?epoch=1", Package("deb", "zlib1g", "1:1.2.13+dfsg-1")),
        ("PKG:pypi/h11", None),
        ("pkg://PyPI//h11", Package("pypi", "h11")),
        ("pkg:pypi", None),
        ("pkg:/h11", None),
        ("h11", None),
        ("", None),
    ],
)
def test_reads(url, package):
    """Escapes, namespaces, epochs and what else may follow."""
    assert parse(url) == package


@given(st.text(alphabet="pkg:/%40@?#=&;e.1\x1b\n \u202e"))
def test_what_comes_of_any_text_is_harmless(text):
    """Nothing is raised, and no escape brings a control character back."""
    if found := parse(f"pkg:npm/{text}"):
        assert all(part.isprintable() for part in (found.ecosystem, found.name, found.version))
