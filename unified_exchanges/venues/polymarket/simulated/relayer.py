"""The relayer, as far as a client asks it whether a wallet is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .routes import Call, Operation
from .wire import Payload

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS"]


def get_deployed(house: House, call: Call) -> Payload:
    """Whether a wallet is deployed: those that are known are."""
    return {"deployed": call.text("address").lower() in house.wallets}


OPERATIONS = (
    Operation(host="relayer", method="GET", path="/deployed", handler=get_deployed),
)
