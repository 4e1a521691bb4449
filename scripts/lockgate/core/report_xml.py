"""Read an XML report as a stream of events: bounded in size, without entities, without building a tree."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Protocol

LIMIT_BYTES = 50_000_000


class Handler(Protocol):
    """What xml.etree tells while it reads; see the documentation of `XMLParser(target=...)`."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        ...

    def end(self, tag: str) -> None:
        """An element ends."""
        ...

    def data(self, text: str) -> None:
        """Text inside an element, in pieces."""
        ...


def read(document: bytes, handler: Handler) -> None:
    """Tell `handler` what is in the document; raise ValueError where it is not XML that may be read.

    Entities are refused, because a few lines of them can expand to gigabytes. The text is decoded here, and not by the
    declaration in the document, so that no other encoding can hide one. No tree is built: 50 MB of empty elements would
    otherwise take gigabytes too. An external DTD, which Cobertura's reports name, is never loaded by xml.etree.
    """
    if len(document) > LIMIT_BYTES:
        raise ValueError(f"it has {len(document):,} bytes; the limit is {LIMIT_BYTES:,}")
    try:
        text = document.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from error
    if not text.strip():
        raise ValueError("it is empty")
    if "<!ENTITY" in text:
        raise ValueError("it declares XML entities, which are refused")
    parser = ET.XMLParser(target=handler)  # noqa: S314 - no entities, no tree, bounded: checked above
    try:
        parser.feed(text)
        parser.close()
    except ET.ParseError as error:
        raise ValueError(f"it is not XML: {error}") from error


def local_name(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]


def seconds(text: str) -> float:
    """A duration as reports write it, "1,234.5" too; 0 where it is none."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0


def whole_number(text: str) -> int | None:
    """A count or a line number, or None where it is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - below 10^9
