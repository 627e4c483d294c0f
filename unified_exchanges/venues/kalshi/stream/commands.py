"""What is sent to Kalshi over the WebSocket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs
from msgspec import json

from .channels import BOOKS

__all__ = ["Action", "Command", "encode"]

Action: TypeAlias = Literal[
    "subscribe", "unsubscribe", "add_markets", "delete_markets", "get_snapshot"
]

_encode: Final = json.Encoder().encode


@attrs.frozen(slots=True)
class Command:
    """Something to ask of one channel; no markets means all of them."""

    action: Action
    markets: tuple[str, ...] = ()


def encode(
    command: Command,
    number: int,
    channel: str,
    sid: int | None,
    params: Mapping[str, object],
) -> str:
    """The text frame of a command; ``sid`` is None before there is a subscription.

    ``params`` are the words of the subscription.
    """
    told: dict[str, object]
    markets: dict[str, object] = (
        {"market_tickers": command.markets} if command.markets else {}
    )
    if command.action == "subscribe":
        words = _words(channel, command)
        told = {"channels": [channel], **markets, **words, **params, **_always(channel)}
    elif command.action == "unsubscribe":
        told = {"sids": [sid]}
    else:
        told = {"sid": sid, **markets, "action": command.action}
        if channel == "ticker" and command.action == "add_markets":
            told["send_initial_snapshot"] = params.get("send_initial_snapshot", True)
    cmd = (
        command.action
        if command.action in {"subscribe", "unsubscribe"}
        else "update_subscription"
    )
    return _encode({"id": number, "cmd": cmd, "params": told}).decode()


def _always(channel: str) -> dict[str, object]:
    # Without it asks are told in NO prices; that default is announced to flip
    # (docs.kalshi.com, order book, 2026-08), so it is never relied on.
    return {"use_yes_price": True} if channel == BOOKS else {}


def _words(channel: str, command: Command) -> dict[str, object]:
    if channel == "ticker" and command.markets:
        # So that a quiet market has a first quote as well.
        return {"send_initial_snapshot": True}
    return {}
