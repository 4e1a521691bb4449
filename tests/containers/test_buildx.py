"""The real buildx: layers kept in a registry, lists of images, with either of the places where docker keeps images.

Where a daemon may be started, docker, buildx and a registry are Debian's (packages.sh), and both places are tried; elsewhere
the docker that is here, and the one place that it has.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.adapters import handover, image_archive, image_pull
from lockgate.adapters.engine_cli import Engine, detect
from lockgate.commands import build
from lockgate.core.config import Budgets, BuildConfig, BuilderKind, Config
from lockgate.core.release import Artifact
from lockgate.core.result import Result
from lockgate.errors import BuildFailedError, ImageOverBudgetError
from tests.containers import behaviour
from tests.fixtures.stage import stage
from tests.ports import free_port

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[1] / ".cache" / "docker"
IS_ROOT = os.geteuid() == 0
PACKAGES = ["docker-registry", *(["docker.io", "docker-cli", "docker-buildx", "containerd"] if IS_ROOT else [])]
MEGABYTES = 3_000_000
DOCKERFILE = "FROM scratch AS first\nCOPY big /big\nFROM scratch\nCOPY --from=first /big /data\nCOPY small /\nUSER 1\n"
LISTS = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of Debian's programs, fetched once."""
    fetched = PROGRAMS / "packages"
    if not fetched.is_file() or fetched.read_text().split() != PACKAGES:
        shutil.rmtree(PROGRAMS, ignore_errors=True)
        argv = [str(HERE / "packages.sh"), str(PROGRAMS), *PACKAGES]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, f"{' '.join(PACKAGES)} could not be fetched from Debian: {done.stderr}"
        fetched.write_text(" ".join(PACKAGES))
    return PROGRAMS / "usr"


@pytest.fixture(scope="module")
def registry(programs: Path, tmp_path_factory) -> Iterator[str]:
    """A registry's host, where anybody may push."""
    folder, host = tmp_path_factory.mktemp("registry"), f"127.0.0.1:{free_port()}"
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("w") as log:
        argv = [programs / "bin" / "docker-registry", "serve", folder / "config.yml"]
        server = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        behaviour.until(lambda: server.poll() is not None or ask(host, "") is not None)
        assert server.poll() is None, (folder / "log").read_text()
        yield host
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module", params=["classic", "containerd"] if IS_ROOT else ["as it is here"])
def docker(request, programs: Path, tmp_path_factory) -> Iterator[Engine]:
    """Docker with buildx."""
    if not IS_ROOT:
        engine = detect(BuilderKind.DOCKER, os.environ, to_build=True)
        assert engine.ask("buildx", "version").code == 0, "This docker has no buildx, and only root can start another."
        yield engine
        return
    folder = tmp_path_factory.mktemp("docker")
    plugins = folder / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(programs / "libexec" / "docker" / "cli-plugins" / "docker-buildx")
    path = f"{programs / 'bin'}{os.pathsep}{programs / 'sbin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "DOCKER_CONFIG": str(folder / "config")}
    daemon = [str(HERE / "dockerd.sh"), "start", str(folder / "daemon"), request.param]
    started = subprocess.run(daemon, env=env, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    try:
        yield detect(BuilderKind.DOCKER, {**env, "DOCKER_HOST": started.stdout.strip()}, to_build=True)
    finally:
        subprocess.run([daemon[0], "stop", daemon[2]], env=env, check=True)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A commit of a service whose image holds megabytes that pack well, and something that no other image has."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / ".dockerignore").write_text(".git\n")
    (root / "big").write_bytes(bytes(MEGABYTES) + secrets.token_bytes(8))
    (root / "small").write_text(secrets.token_hex(8))
    for argv in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t.invalid", "commit", "-qm", "1"],
    ):
        subprocess.run(["git", "-C", str(root), *argv], check=True)
    return root


def built(docker: Engine, shop: Path, output: Path | None = None, image: int = 10**8, **how) -> tuple[Result, str]:
    """Run `lockgate build`; give its result, and what it printed."""
    config = Config("shop", build=BuildConfig(kind=BuilderKind.DOCKER, **how), budgets=Budgets(image=image))
    here = stage(shop, config, docker.env)
    given = argparse.Namespace(output=str(output) if output else None, kind=None)
    return build.run(here.project, given), here.console.getvalue()


def forget(docker: Engine, *images: str) -> None:
    """Be a machine that never built: only where the daemon is the tests' own."""
    if IS_ROOT:
        assert docker.ask("builder", "prune", "--all", "--force").code == 0
    for image in images:
        docker.ask("rmi", "--force", image)


def ask(host: str, path: str, *accept: str) -> tuple[bytes, str] | None:
    """Ask the registry; give the answer and the digest it names, or None."""
    request = urllib.request.Request(
        f"http://{host}/v2/{path}", headers={"Accept": ", ".join(accept)} if accept else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own
            return answer.read(), answer.headers.get("Docker-Content-Digest", "")
    except OSError:
        return None


def test_layers_come_back_from_the_registry_to_a_machine_that_never_built(docker, registry, shop):
    """The second build takes every layer that it can from the first one's, and gives the very same image."""
    how = {"registry": f"{registry}/cached", "cache": True}
    first, _ = built(docker, shop, **how)
    assert ask(registry, "cached/shop/manifests/lockgate-cache", *LISTS) is not None
    forget(docker, first.image)
    second, printed = built(docker, shop, **how)
    assert "importing cache manifest" in printed
    assert printed.count(" CACHED") >= 2
    assert second.image == first.image


def test_the_pushed_digest_is_the_registrys(docker, registry, shop):
    """What the result names is what the registry stored, and can be pulled by."""
    result, _ = built(docker, shop, registry=f"{registry}/plain")
    artifact = Artifact.parse(result.image)
    content = ask(
        registry, f"plain/shop/manifests/{artifact.digest}", "application/vnd.docker.distribution.manifest.v2+json"
    )
    assert content is not None
    assert content[1] == artifact.digest
    forget(docker, artifact.reference)
    docker.resolve(artifact)


def test_an_image_is_weighed_unpacked(docker, registry, shop):
    """Megabytes that pack into nothing count in full; over the budget, nothing is pushed."""
    result, _ = built(docker, shop, registry=f"{registry}/heavy")
    assert MEGABYTES < result.data["size"] < MEGABYTES + 100_000
    with pytest.raises(ImageOverBudgetError, match=r"is 3\.0 MB"):
        built(docker, shop, registry=f"{registry}/too-heavy", image=MEGABYTES // 2)
    assert ask(registry, "too-heavy/shop/tags/list") is None


def test_an_image_travels_as_a_file(docker, shop, tmp_path):
    """Without a registry the archive holds it: the scanner's check and the next job's docker find it there."""
    result, _ = built(docker, shop, tmp_path / "out")
    artifact = Artifact.parse(result.image)
    archive = tmp_path / "out" / handover.IMAGE
    assert image_archive.check(archive, artifact).startswith("sha256:")
    forget(docker, artifact.digest)
    docker.load(archive, artifact)


def test_several_platforms_are_one_list_whose_digest_is_the_result(docker, registry, shop, tmp_path):
    """Both images are behind it, the scan takes one and names the other; where docker cannot, that is said."""
    how = {"registry": f"{registry}/list", "cache": True, "platforms": ("linux/amd64", "linux/arm64")}
    if not docker.exports_cache():
        with pytest.raises(BuildFailedError, match=r"(?s)not supported for the docker driver.*docs/building\.md"):
            built(docker, shop, **how)
        assert ask(registry, "list/shop/tags/list") is None
        return
    result, _ = built(docker, shop, **how)
    artifact = Artifact.parse(result.image)
    content = ask(registry, f"list/shop/manifests/{artifact.digest}", *LISTS)
    assert content is not None
    platforms = [
        f"{one['platform']['os']}/{one['platform']['architecture']}" for one in json.loads(content[0])["manifests"]
    ]
    assert platforms == ["linux/amd64", "linux/arm64"]
    pulled = image_pull.pull(
        artifact, tmp_path / "layout", platform="linux/arm64", credential=lambda _: None, env={}, timeout=30
    )
    assert (pulled.platform, pulled.others) == ("linux/arm64", ("linux/amd64",))
    forget(docker, artifact.reference)
    docker.resolve(artifact)
    again, printed = built(docker, shop, **how)
    assert again.image == result.image
    assert printed.count(" CACHED") >= 4
