"""A folder with everything a run of the workflows needs, so that nothing else on the machine is read or changed."""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lockgate.adapters import bundle
from lockgate.adapters.local import sockets

PROJECT = Path(__file__).resolve().parents[2]
STOREFRONT = PROJECT / "examples" / "storefront"
REPOSITORY = "OWNER/lockgate"
"""The name under which examples/storefront/.github/workflows/deploy.yml calls this repository."""
REF = "v1"
_COPIED = ("action.yml", "pyproject.toml", "uv.lock", "README.md", "LICENSE", "schemas", "scripts", ".github/workflows")
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
              "https_proxy", "http_proxy", "no_proxy")  # fmt: skip
_IGNORED = shutil.ignore_patterns("__pycache__", ".venv", "*.xml", ".coverage*", ".*_cache", "vendor")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The folders of one run."""

    root: Path
    uv: Path | None = None
    """The pinned uv where it is at hand, so that no job has to fetch it again."""

    @property
    def lockgate(self) -> Path:
        """This repository, as a caller gets it."""
        return self.root / "lockgate"

    @property
    def shop(self) -> Path:
        """The caller: the storefront as a git repository."""
        return self.root / "shop"

    @property
    def state(self) -> Path:
        """Lockgate's state directory, shared by all jobs as on a self-hosted runner."""
        return self.root / "state"

    @property
    def ledger(self) -> Path:
        """Lockgate's ledger."""
        return self.state / "ledger.db"

    def remove(self) -> None:
        """Remove the folder; the bundles in it are read-only."""
        bundle.remove(self.root)

    def make(self) -> None:
        """Fill the folder, from nothing."""
        self.remove()
        for folder in ("bin", "home", "cache", "tmp"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
        if self.uv:
            (self.root / "bin" / "uv").symlink_to(self.uv.resolve())
        # A vulnerability database that was fetched once serves the next run too.
        kept = self.root.parent / "trivy"
        kept.mkdir(exist_ok=True)
        self.state.mkdir(mode=0o700)
        (self.state / "trivy").symlink_to(kept)
        for name in _COPIED:
            source, target = PROJECT / name, self.lockgate / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=_IGNORED)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        for workflow in (self.lockgate / ".github" / "workflows").iterdir():
            workflow.write_text(for_act(workflow.read_text(encoding="utf-8")), encoding="utf-8")
        shutil.copytree(STOREFRONT, self.shop, ignore=_IGNORED)
        self.git("init", "--quiet", "--initial-branch=main")

    def edit(self, name: str, changes: Mapping[str, str]) -> None:
        """Replace texts, each found exactly once, in a file of the shop."""
        path = self.shop / name
        text = path.read_text(encoding="utf-8")
        for old, new in changes.items():
            if text.count(old) != 1:
                raise ValueError(f"{name}: {old!r} is there {text.count(old)} times, expected once")
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def commit(self, subject: str, tag: str = "") -> str:
        """Commit the shop as it stands; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        if tag:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run git in the shop; return what it prints."""
        identity = ["-c", "user.name=Lockgate demo", "-c", "user.email=demo@lockgate.invalid"]
        identity += ["-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.shop, env=self.env(), check=True, text=True, stdout=subprocess.PIPE
        )
        return done.stdout.strip()

    def env(self) -> dict[str, str]:
        """Build the environment of the run: nothing of the person's but a path, a language and a way to the network.

        act hands its own environment on to the steps, as GitHub does not; so there must be nothing in it.
        """
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return env | {
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.root / "home"),  # by which `processes` finds what was started
            "TMPDIR": str(self.root / "tmp"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }


def for_act(workflow: str) -> str:
    """Rewrite references to this repository: act does not know `$/`. Nothing else is changed."""
    workflow = re.sub(r"uses: \$/$", f"uses: {REPOSITORY}@{REF}", workflow, flags=re.MULTILINE)
    return re.sub(r"uses: \$/(\S+)$", rf"uses: {REPOSITORY}/\1@{REF}", workflow, flags=re.MULTILINE)


def free_ports(count: int) -> list[int]:
    """Find ports on 127.0.0.1 that nobody listens on, each another one.

    They are below those of Lockgate's slots, and below those of outgoing connections: one of the latter could be taken
    between now and the first start.
    """
    candidates = random.sample(range(10000, 20000), k=10000)
    return list(islice(filter(sockets.is_free, candidates), count))


def user_cache() -> Path:
    """Find where this user's uv keeps what it has fetched."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
