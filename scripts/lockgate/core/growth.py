"""What a build weighs beside what runs: its largest parts, and which of them grew."""

from collections.abc import Mapping
from typing import Any

from lockgate.core import markdown

_SHOWN = 10
_NOTED = 100_000
"""Bytes. A change of less is nobody's concern."""

Build = Mapping[str, Any]
"""The part `build` of a dossier."""


def changed(now: int, before: int | None) -> str:
    """Say how a size differs, in words; "" where there is nothing to compare with."""
    if before is None:
        return ""
    change = now - before
    return f"{change / 1e6:+.1f} MB" if abs(change) >= _NOTED else "as before"


def table(now: Build, before: Build | None) -> str:
    """Give the Markdown: the whole, the largest parts, and what is gone of those that ran."""
    sizes, old = _sizes(now), _sizes(before or {})
    shown = [("in all", now["size"], before["size"] if before else None)]
    # A part that was not among the largest may have been there: only what was is compared.
    shown += [(name, size, old.get(name)) for name, size in sorted(sizes.items(), key=lambda one: -one[1])[:_SHOWN]]
    rows = [
        [_cell(name) if number else name, f"{size / 1e6:.1f} MB", _change(size, was, compared=bool(before))]
        for number, (name, size, was) in enumerate(shown)
    ]
    gone = [(name, size) for name, size in old.items() if name not in sizes and size >= _NOTED]
    rows += [[_cell(name), "", f"no longer among the largest; was {size / 1e6:.1f} MB"] for name, size in gone[:_SHOWN]]
    return markdown.table(["part", "size", "beside what runs" if before else ""], rows)


def _cell(name: str) -> str:
    # Also in code, a bar ends the cell of a table: github.github.com/gfm, tables.
    return markdown.code(name).replace("|", "\\|")


def _change(size: int, before: int | None, *, compared: bool) -> str:
    return changed(size, before) or ("new among the largest" if compared else "")


def _sizes(build: Build) -> dict[str, int]:
    """Add up the parts of one name: two layers may be made by the same words."""
    sizes: dict[str, int] = {}
    for part in build.get("parts", ()):
        sizes[part["name"]] = sizes.get(part["name"], 0) + part["size"]
    return sizes
