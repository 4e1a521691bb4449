"""The `provenance` section of the user's config; see `core.attestation`."""

from dataclasses import dataclass
from enum import StrEnum


class Attestations(StrEnum):
    """Whether a release must carry signed attestations of its digest."""

    REQUIRED = "required"
    WHEN_AVAILABLE = "when-available"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ProvenanceConfig:
    """What must be attested about a digest before it goes anywhere."""

    attestations: Attestations = Attestations.OFF
    sbom: bool = False
    """Whether its SBOM must be attested too."""
    workflow: str = ""
    """`OWNER/REPOSITORY/.github/workflows/FILE`, with `@REF` for that very ref; "" for the Lockgate that deploys."""
    trusted_root: str = ""
    """A file with the keys to trust; "" for those of the public Sigstore."""
