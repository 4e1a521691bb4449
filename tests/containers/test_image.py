"""Lockgate's own image, built from the Dockerfile of this repository."""

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from lockgate import __version__
from lockgate.adapters.engine_cli import Engine
from lockgate.usage import COMMANDS

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "storefront"
LIMIT = 200_000_000
READY = """
import os, time, urllib.request
for _ in range(400):
    try:
        if urllib.request.urlopen('http://127.0.0.1:7171/readyz', timeout=2).status == 200: break
    except OSError: time.sleep(0.02)
else: raise SystemExit('it is not ready')
up = float(open('/proc/uptime').read().split()[0])
print(up - int(open('/proc/1/stat').read().rpartition(')')[2].split()[19]) / os.sysconf('SC_CLK_TCK'))
"""
"""Waits inside until the board is ready, and prints how long ago its process began."""


@pytest.fixture(scope="session")
def image(engine: Engine, base: str, tmp_path_factory) -> str:
    """The image, built from the committed files as a person would, with the base that can be had here."""
    clone = tmp_path_factory.mktemp("clone") / "lockgate"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    # The Dockerfile's one seam: builds elsewhere say `--build-arg BASE=...`.
    dockerfile = clone / "Dockerfile"
    first = next(line for line in dockerfile.read_text().splitlines() if line.startswith("ARG BASE="))
    dockerfile.write_text(dockerfile.read_text().replace(first, f"ARG BASE={base}"))
    return engine.build(clone, dockerfile, {}, timeout=500, on_line=print)


def run(engine: Engine, image: str, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    argv = [engine.program, "run", "--rm", "--read-only", "--cap-drop", "ALL", *options, image, *arguments]
    return subprocess.run(argv, env=dict(engine.env), capture_output=True, text=True, timeout=60, check=False)


def test_the_image_keeps_the_budget_it_asks_of_others(engine, image, capsys):
    """It is under 200 MB, unpacked; the figure is printed."""
    weight = engine.measure(image)
    with capsys.disabled():
        print(f"\nlockgate's image: {weight.size / 1e6:.1f} MB unpacked, {weight.layers} layers")
    assert 50_000_000 < weight.size < LIMIT


def test_the_image_runs_as_nobody_in_particular(engine, image):
    """Its user is a number that owns nothing, so that `runAsNonRoot` accepts it."""
    said = engine.ask("image", "inspect", "--format", "{{.Config.User}}", image).tail
    assert said.split() == ["10001:10001"]
    assert run(engine, image, options=("--entrypoint", "id")).stdout.startswith("uid=10001 gid=10001")


def test_without_arguments_it_serves_the_board(engine, image, capsys):
    """On a file system that cannot be written, and healthy by its own check; how long its process took is printed."""
    made = engine.ask("run", "--detach", "--read-only", "--cap-drop", "ALL", image)
    assert made.code == 0, made.tail
    name = made.tail.strip()
    try:
        said = engine.ask("exec", name, "python", "-Ic", READY)
        assert said.code == 0, engine.ask("logs", name).tail
        taken = float(said.tail.split()[-1])
        assert taken < 15, "no machine of ours is that slow"
        (check,) = json.loads(
            engine.ask("image", "inspect", "--format", "[{{json .Config.Healthcheck.Test}}]", image).tail
        )
        assert check[0] == "CMD"
        assert engine.ask("exec", name, *check[1:]).code == 0
        with capsys.disabled():
            print(f"\nthe board's process was ready {taken:.2f} s after it began, in a container")
    finally:
        engine.ask("rm", "--force", name)


def test_nothing_of_lockgate_can_be_changed_from_inside(engine, image):
    """What runs with a job's credentials is not writable by the job."""
    find = ("/opt/lockgate", "-writable", "-not", "-type", "l")
    assert run(engine, image, *find, options=("--entrypoint", "find")).stdout == ""


def test_the_image_has_no_way_back_to_its_build(engine, image):
    """No link to the sources, no CA bundle of the build, no uv."""
    done = run(engine, image, "-c", "ls /build /bootstrap /run/secrets", options=("--entrypoint", "sh"))
    assert done.returncode != 0
    assert done.stdout == ""


def test_the_image_tells_its_commands(engine, image):
    """`--help` without a writable file system lists every command."""
    done = run(engine, image, "--help")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)
    assert run(engine, image, "--version").stdout == f"lockgate {__version__}\n"


def test_the_image_validates_the_sample(engine, image):
    """Schemas and all are inside: the sample's config is found to be valid."""
    done = run(engine, image, "validate", "--json", options=("--volume", f"{SAMPLE}:/work:ro"))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["decision"], result["service"]) == ("passed", "storefront")


def test_the_image_builds_a_bundle_for_any_user(engine, image, tmp_path):
    """It works on somebody's checkout as that user, and leaves files that are theirs."""
    shutil.copytree(SAMPLE, tmp_path / "shop", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    shop = tmp_path / "shop"
    config = shop / "lockgate.yml"
    lines = config.read_text().split("  bundle:\n")
    config.write_text(lines[0] + "  bundle:\n    start: python3 -m storefront\n\n" + lines[1].partition("\n\n")[2])
    for folder, _, _ in os.walk(tmp_path):
        Path(folder).chmod(0o777)
    options = ("--user", "12345:12345", "--volume", f"{shop}:/work", "--tmpfs", "/tmp")  # noqa: S108 - the container's own
    version = f"v-{secrets.token_hex(3)}"
    env = ("--env", f"LOCKGATE_VERSION={version}")
    done = run(engine, image, "build", "--output", "out", "--json", options=(*options, *env))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == version
    assert (shop / "out" / "bundle.tar").stat().st_uid == 12345
