"""What a recorded answer of Polymarket tells of books and trades."""

from __future__ import annotations

import msgspec

from ...models import OrderBook, Trade
from ...recording.format import Rest
from . import parse

__all__ = ["asked_tokens", "polled_books", "polled_trades"]

_TELLS_TAKERS = ("taker_only", "true")
"""Else a trade is told for each of its makers as well."""


class _Asked(msgspec.Struct):
    token_id: str


_read_asked = msgspec.json.Decoder(list[_Asked]).decode


def asked_tokens(answer: Rest) -> list[str] | None:
    """The tokens whose books were asked for; None where it was no question for books."""
    if answer.method == "GET" and answer.path.endswith("/book"):
        return [value for name, value in answer.query if name == "token_id"]
    if answer.method == "POST" and answer.path.endswith("/books"):
        try:
            return [row.token_id for row in _read_asked(answer.request.data)]
        except msgspec.MsgspecError:
            return None  # others than this library may ask in another way
    return None


def polled_books(answer: Rest) -> dict[str, OrderBook]:
    """The books of an answer to such a question, by their tokens."""
    if answer.method == "POST":
        return parse.order_books(answer.body.data)
    token, book = parse.order_book(answer.body.data)
    return {token: book}


def polled_trades(answer: Rest) -> list[tuple[str, Trade]]:
    """Public trades with the token of each, newest first; none where it tells others."""
    asked = [(name, value.lower()) for name, value in answer.query]
    is_wanted = answer.method == "GET" and answer.path.endswith("/v2/trades")
    if not is_wanted or _TELLS_TAKERS not in asked:
        return []
    return parse.trades_page(answer.body.data)[0]
