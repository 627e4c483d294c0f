"""An answer's body: how large it may be, and how it is inflated."""

from __future__ import annotations

import zlib

__all__ = ["ANSWER_LIMIT", "UnusableAnswer", "check_size", "decode"]

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of one answer, inflated, above which it is dropped."""

_GZIP = 31
_MAGIC = b"\x1f\x8b"


class UnusableAnswer(Exception):
    """The answer arrived, but cannot be handed on."""


def check_size(size: int) -> None:
    """Raise `UnusableAnswer` for more bytes than an answer may have."""
    if size > ANSWER_LIMIT:
        raise UnusableAnswer(f"the answer is larger than {ANSWER_LIMIT >> 20} MiB")


def decode(coding: str, body: bytes, *, replayed: bool = False) -> bytes:
    """Undo the ``Content-Encoding``; never inflate past the limit.

    A gzip stream that ends early is an error, as half an answer is none.  A recorder may
    have inflated a ``replayed`` body already and kept the header.
    """
    coding = coding.strip().lower()
    if coding in {"", "identity"} or not body:
        return body
    if replayed and not body.startswith(_MAGIC):
        return body
    if coding not in {"gzip", "x-gzip"}:
        raise UnusableAnswer(f"encoded as {coding[:20]!r}, which was not asked for")
    failure = ""
    try:
        return _inflate(body)
    except zlib.error as error:
        failure = str(error)
    raise UnusableAnswer(f"the gzip data is damaged: {failure}")


def _inflate(body: bytes) -> bytes:
    parts: list[bytes] = []
    size = 0
    while body:
        inflater = zlib.decompressobj(_GZIP)
        part = inflater.decompress(body, ANSWER_LIMIT - size + 1)
        size += len(part)
        check_size(size)
        if not inflater.eof:
            raise UnusableAnswer("the gzip data ends early")
        parts.append(part)
        body = inflater.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)
