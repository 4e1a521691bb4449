"""What `lockgate doctor` says about the image: how its Dockerfile is written, and whether its bases are the newest."""

from collections.abc import Iterator

from lockgate.adapters import registry_login
from lockgate.adapters.oci_registry import Registry, RegistryError, within
from lockgate.commands.project import Project
from lockgate.core import dockerfile_rules
from lockgate.core.base_image import Base
from lockgate.core.checklist import Check

_MOST, _SECONDS = 5, 10.0


def check(project: Project) -> Iterator[Check]:
    """Check what the image is built from, and as whom it runs."""
    build = project.config.build
    path = project.root / build.context / build.dockerfile
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # what builds without one is a bundle
    unsafe = dockerfile_rules.examine(text)
    for one in unsafe:
        yield Check("dockerfile", False, f"{build.dockerfile}:{one.line}: {one.what} ({one.rule})", one.why)
    if not unsafe:
        yield Check(
            "dockerfile", True, f"{build.dockerfile}: every base is pinned by digest, and it does not run as root"
        )
    for base in list(filter(None, map(Base.parse, dockerfile_rules.bases(text))))[:_MOST]:
        yield _newest(project, base)


def _newest(project: Project, base: Base) -> Check:
    """Ask the registry what the tag means by now."""
    try:
        digest = within(_SECONDS, str(base.tag), _ask(project, base))
    except RegistryError as error:
        fix = "Nothing is wrong with the build; ask again where the registry can be reached."
        return Check("base image", None, f"{base.written}: whether there is a newer one is not known: {error}", fix)
    if digest == base.digest:
        return Check("base image", True, f"{base.written}: pinned to what the tag is today")
    fix = f"Build with {base.written}@{digest}, or let Dependabot propose it."
    return Check("base image", False, f"{base.written}: there is a newer one than the pinned {base.digest[:19]}", fix)


async def _ask(project: Project, base: Base) -> str:
    credential = registry_login.known(base.tag.host, registry_login.places(project.runner.home))
    async with Registry(base.tag, credential, project.runner.bare_env()) as registry:
        return (await registry.manifest(base.tag.reference))[1]
