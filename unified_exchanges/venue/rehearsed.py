"""What a read shows in a dry run: the venue's answer, completed by what was rehearsed."""

from __future__ import annotations

from typing import Final, Protocol

import attrs

from ..flow import Request, Response

__all__ = ["Overlay", "completed"]

_OK: Final = 200


class Overlay(Protocol):
    """What a dry run has changed, in the words of a venue."""

    def alone(self, path: str) -> bytes | None:
        """The answer to a read of what only exists here."""
        ...

    def completed(self, path: str, request: Request, body: bytes) -> bytes:
        """The body of an answer with what was changed."""
        ...


def completed(
    overlay: Overlay, path: str, request: Request, response: Response | None
) -> Response | None:
    """The answer to a read, before or after the venue was asked; see `Venue.rehearsed`."""
    if response is None:
        alone = overlay.alone(path)
        return None if alone is None else Response(_OK, {}, alone)
    if response.status != _OK:
        return response
    body = overlay.completed(path, request, response.body)
    return attrs.evolve(response, body=body)
