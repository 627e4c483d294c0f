"""What the simulated Polymarket refuses with: its texts, as far as they are known.

The CLOB has texts instead of codes (docs.polymarket.com and clob-openapi, 2026-08; issue
threads of the vendor's clients, 2026-05 to 2026-09). Where a text is not known it says
so at its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from .wire import Payload

__all__ = [
    "Failure",
    "bad_request",
    "missing",
    "not_enough",
    "not_found",
    "unauthorized",
    "unprocessable",
]


class Failure(Exception):
    """An answer that is an error."""

    def __init__(
        self, status: int, payload: Payload, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(payload.get("error", payload)))
        self.status = status
        self.payload = payload
        self.headers = headers or {}

    @property
    def text(self) -> str:
        """What it says."""
        return str(self.payload.get("error", ""))


def bad_request(text: str, status: int = 400) -> Failure:
    """A refusal by its text."""
    return Failure(status, {"error": text})


def unauthorized(text: str = "Unauthorized/Invalid api key") -> Failure:
    """Nobody the venue knows."""
    return bad_request(text, 401)


def not_found(text: str) -> Failure:
    """Texts with "not found" are 404 whatever raised them (docs, 2026-08)."""
    return bad_request(text, 404)


def missing() -> Failure:
    """No such book."""
    return not_found("No orderbook exists for the requested token id")


def not_enough() -> Failure:
    """Not enough money, tokens, or allowance for the contract."""
    return bad_request("not enough balance / allowance")


def unprocessable(text: str) -> Failure:
    """How Gamma refuses a query."""
    return Failure(422, {"type": "validation error", "error": text})
