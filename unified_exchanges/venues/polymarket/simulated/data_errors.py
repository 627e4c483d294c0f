"""How the Data API v2 refuses: a code, whether to try again, and a trace."""

from __future__ import annotations

from .errors import Failure

__all__ = ["refused"]

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def refused(text: str, parameter: str) -> Failure:
    """A request that is not valid, for one parameter of its."""
    payload: dict[str, object] = {
        "error": text,
        "code": "invalid_request",
        "retryable": False,
        "trace_id": _TRACE,
        "parameter": parameter,
    }
    return Failure(400, payload, {"x-trace-id": _TRACE})
