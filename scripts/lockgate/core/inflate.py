"""Unpack a compressed body, no further than wanted: a few bytes of it can hold gigabytes."""

import zlib

_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def inflated(body: bytes, encoding: str, limit: int) -> bytes:
    """Give at most `limit` bytes of what `body` holds, though it may be cut off; ValueError where it is damaged."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body[:limit]
    if encoding not in _BITS:
        raise ValueError(f"the body is encoded as {encoding[:40]}, which was not asked for")
    bits = _BITS[encoding]
    if encoding == "deflate" and body[:1] and body[0] & 0x0F != zlib.DEFLATED:
        bits = -15  # some servers leave the header out
    try:
        return zlib.decompressobj(bits).decompress(body, limit)
    except zlib.error as error:
        raise ValueError(f"the body is not {encoding}: {error}") from None
