"""What stands for a key where a recording of Kalshi is replayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...recording.format import Rest, Unanswered
from ...recording.redaction import REDACTED_KEY
from ...replaying.answers import Answers
from .venue import KalshiVenue

__all__ = ["stand_in", "venue_type"]


def stand_in(requests: Iterable[Rest | Unanswered]) -> Mapping[str, Any]:  # noqa: ARG001
    """Arguments of an exchange that signs for nobody: no signature leaves."""
    # Loaded with the first replay: it takes long.
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"api_key": REDACTED_KEY, "private_key": pem.decode()}


def venue_type(
    answers: Answers,  # noqa: ARG001
    *,
    is_ours: bool = True,  # noqa: ARG001
) -> type[KalshiVenue]:
    """The venue as it is: nothing that Kalshi is sent is made of chance but its ids."""
    return KalshiVenue
