"""The package as it is installed elsewhere: it can be built, and holds what the code reads beside itself."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = ROOT / ".cache" / "bin" / "uv"


def test_the_wheel_is_whole_and_the_same_every_time(tmp_path):
    """Schemas, templates and migrations are in it, as files; a second build gives the same bytes."""
    digests = set()
    for name in ("one", "two"):
        words = [UV, "build", "--wheel", "--offline", "--quiet", "--no-config", "-o", tmp_path / name, ROOT]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        (wheel,) = (tmp_path / name).glob("*.whl")
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(wheel) as packed:
        names = {entry.removeprefix("lockgate/") for entry in packed.namelist()}
        for migration in (ROOT / "supabase" / "migrations").iterdir():
            assert packed.read(f"lockgate/migrations/{migration.name}") == migration.read_bytes()
    kept = {
        str(path.relative_to(ROOT / "scripts" / "lockgate")) for path in (ROOT / "scripts" / "lockgate").rglob("*.*")
    }
    assert {
        name for name in kept if name.endswith((".json", ".sql", ".yml", ".py", ".html", ".css", ".js", ".svg"))
    } <= names


def test_the_image_has_what_the_package_links_to():
    """A link whose end is left out of the build's context is a file that the wheel cannot be made of."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    ends = [path.resolve().relative_to(ROOT).as_posix() for path in (ROOT / "scripts").rglob("*") if path.is_symlink()]
    assert ends
    assert [end for end in ends if not any(end.startswith(f"{each}/") for each in allowed)] == []
