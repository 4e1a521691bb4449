"""How a release is written into what Azure runs, and read back: the image by digest, and marks beside it.

The marks are ordinary settings that the service sees, too. They travel with the release when slots are swapped, which
a slot's name does not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lockgate.core.release import Artifact, ArtifactKind, Release

REVISION, VERSION, COMMIT, DIGEST, ENVIRONMENT = (
    f"LOCKGATE_{name}" for name in ("REVISION", "VERSION", "COMMIT", "DIGEST", "ENVIRONMENT")
)
_PLACEHOLDERS = re.compile(
    r"mcr\.microsoft\.com/(appsvc/staticsite|k8se/quickstart|azuredocs/(aci|containerapps)-helloworld)([:@].*)?"
)
"""What Azure's portal, templates and quickstarts put into an app that nobody has deployed anything to."""
_IMAGE = re.compile(r"(?P<name>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Marked:
    """A release as it was found."""

    id: str
    digest: str
    """"" where the image is not named by digest."""
    version: str = ""
    commit: str = ""
    artifact: Artifact | None = None
    placeholder: bool = False
    """Whether nobody's service runs there yet: no image, or a page of Microsoft's own."""
    named: bool = False
    """Whether the version is the one it was given, and not our word for its digest."""


def marks(release: Release, revision: str, environment: str) -> dict[str, str]:
    """Give the settings that name a release."""
    return {
        REVISION: revision,
        VERSION: release.version,
        COMMIT: release.commit,
        DIGEST: release.artifact.digest,
        ENVIRONMENT: environment,
    }


def read(image: str, settings: Mapping[str, str], place: str) -> Marked:
    """Say which release an image and its marks are; marks of another image than this one do not count.

    What Lockgate did not deploy gets an id from its digest, or where it has none, from the place where it is.
    """
    if not image or _PLACEHOLDERS.fullmatch(image):
        return Marked("placeholder", "", version=image, placeholder=True)
    found = _IMAGE.fullmatch(image)
    if found is None:
        return Marked(f"unknown-{place}", "", version=image)
    digest = found["digest"]
    try:
        artifact = Artifact.parse(f"{ArtifactKind.IMAGE}:{found['name']}@{digest}")
    except ValueError:
        artifact = None
    short = digest.removeprefix("sha256:")[:12]
    if settings.get(DIGEST) != digest or not settings.get(REVISION):
        return Marked(f"unmarked-{short}", digest, short, "", artifact)
    return Marked(
        settings[REVISION], digest, settings.get(VERSION, short), settings.get(COMMIT, ""), artifact, named=True
    )
