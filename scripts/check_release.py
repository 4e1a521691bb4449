"""Hold a tag against what it would release: `check_release.py TAG`.

A tag names one release and is never moved: `v1` is the release 1.0.0, `v1.1` is 1.1.0, `v1.1.2` is 1.1.2. So a
workflow that says `@v1` runs the same commit for ever, and the README may say it. Ends with 1 and says why where
anything differs.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_TAG = re.compile(r"v(\d+(?:\.\d+){0,2})")
_NAMED = re.compile(r"OWNER/lockgate[\w./-]*@(v[\w.]+)")


def tag_of(version: str) -> str:
    """Give the one tag of a version: its numbers without the zeros at the end."""
    return "v" + re.sub(r"(?:\.0)+$", "", version)


def problems(tag: str, version: str, changelog: str, readme: str) -> Iterator[str]:
    """Yield what keeps this tag from being released."""
    if tag != tag_of(version):
        yield f"the tag is {tag}; the tag of version {version} of pyproject.toml is {tag_of(version)}"
    if not re.search(rf"(?m)^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog):
        yield f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`"
    if not _TAG.fullmatch(tag):
        return
    for named in sorted(set(_NAMED.findall(readme))):
        if not _TAG.fullmatch(named) or _numbers(named) > _numbers(tag):
            yield f"README.md says @{named}, which is not released"


def _numbers(tag: str) -> tuple[int, ...]:
    return tuple(int(part) for part in tag.removeprefix("v").split("."))


def main(words: Sequence[str], root: Path = ROOT) -> int:
    """Check, and tell."""
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog, readme = ((root / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "README.md"))
    found = list(problems(words[0], version, changelog, readme))
    for problem in found:
        print(f"check_release: {problem}", file=sys.stderr)
    if not found:
        print(f"{words[0]} releases {version}.")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
