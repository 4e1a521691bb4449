"""A pin may not name what attackers published."""

import pytest

from lockgate.core.pin import Pin


def test_hijacked_version_cannot_be_pinned():
    """Pinning a version on the list of hijacked ones is an error at import, in every test run."""
    with pytest.raises(ValueError, match="hijacked"):
        Pin(version="0.69.4", sha256={}, install="x", hijacked=frozenset({"0.69.4"}))
