"""The market channel: books, their changes, trades, ticks, markets that come and end."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha1
from typing import TYPE_CHECKING

from .....money import EXACT, ONE, ZERO
from ..catalog import Listed
from ..lots import Direction
from ..news import BookMoved, MarketListed, News, Printed, Resolved, TickChanged
from ..quotes import book
from ..records import other_price
from ..wire import Payload, milliseconds, text
from .session import Session

if TYPE_CHECKING:
    from ..house import House

__all__ = ["MarketSession"]


class MarketSession(Session):
    """What happens to some tokens, told to anybody."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._tokens: dict[str, None] = {}
        self._has_features = False

    # Commands

    def _carry_out(self, sent: Payload) -> None:
        tokens = sent.get("assets_ids")
        named = [t for t in tokens if isinstance(t, str)] if tokens else []
        operation = sent.get("operation")
        if sent.get("custom_feature_enabled") is True:
            self._has_features = True
        if operation == "unsubscribe":
            for token in named:
                self._tokens.pop(token, None)
        elif operation == "subscribe" or str(sent.get("type", "")).lower() == "market":
            self._is_subscribed = True
            self._subscribe(named, dump=sent.get("initial_dump") is not False)

    def _subscribe(self, named: Iterable[str], *, dump: bool) -> None:
        """What is subscribed already is ignored; the others come as a list of books."""
        new = [token for token in dict.fromkeys(named) if token not in self._tokens]
        self._tokens.update(dict.fromkeys(new))
        if not dump or len(self._tokens) > self._house.settings.most_assets:
            return
        found = [self._house.catalog.of_token(token) for token in new]
        books = [self._book(listed, index) for listed, index in (f for f in found if f)]
        if books:
            self.tell(books)

    def _book(self, listed: Listed, index: int, time_us: int | None = None) -> Payload:
        told = book(self._house, listed, index, time_us=time_us)
        return {"event_type": "book", **told}

    # News

    def _hear(self, news: News) -> None:
        if isinstance(news, BookMoved):
            self._book_moved(news)
        elif isinstance(news, Printed):
            self._printed(news)
        elif isinstance(news, TickChanged):
            self._tick_changed(news)
        elif isinstance(news, MarketListed):
            self._listed(news)
        elif isinstance(news, Resolved):
            self._resolved(news)

    def _followed(self, listed: Listed) -> list[int]:
        return [n for n, token in enumerate(listed.tokens) if token in self._tokens]

    def _book_moved(self, news: BookMoved) -> None:
        """A trade brings whole books, an order what it changes, on both tokens."""
        listed = news.listed
        followed = self._followed(listed)
        if not followed:
            return
        if news.by_trade:
            for index in followed:
                # As old as the changes of the same order that are told after it.
                self.tell(self._book(listed, index, news.time_us))
        else:
            self.tell(
                {
                    "event_type": "price_change",
                    "market": listed.condition_id,
                    # Those of the other token come whether it is followed or not.
                    "price_changes": [self._change(news, index) for index in (0, 1)],
                    "timestamp": milliseconds(news.time_us),
                }
            )
        if news.is_top and self._has_features:
            for index in followed:
                self._best(listed, index, news.time_us)

    def _change(self, news: BookMoved, index: int) -> Payload:
        listed = news.listed
        is_bid = (news.side == "bid") == (index == 0)
        side: Direction = "BUY" if is_bid else "SELL"
        price = text(other_price(index, news.price))
        bid, ask = self._ends(listed, index)
        token = listed.tokens[index]
        # What it is the hash of is disputed: it only has to be one.
        hashed = f"{token}{price}{side}{text(news.size)}{news.time_us}".encode()
        return {
            "asset_id": token,
            "price": price,
            "size": text(news.size),
            "side": side,
            "hash": sha1(hashed, usedforsecurity=False).hexdigest(),
            "best_bid": text(bid),
            "best_ask": text(ask),
        }

    def _ends(self, listed: Listed, index: int) -> tuple[Decimal, Decimal]:
        """The best bid and ask; of an empty side, 0 and 1."""
        mirror = self._house.mirrors[listed.condition_id]
        bid, ask = mirror.best(index, "bid"), mirror.best(index, "ask")
        return ZERO if bid is None else bid, ONE if ask is None else ask

    def _best(self, listed: Listed, index: int, time_us: int) -> None:
        bid, ask = self._ends(listed, index)
        self.tell(
            {
                "event_type": "best_bid_ask",
                "market": listed.condition_id,
                "asset_id": listed.tokens[index],
                "best_bid": text(bid),
                "best_ask": text(ask),
                "spread": text(EXACT.subtract(ask, bid)),
                "timestamp": milliseconds(time_us),
            }
        )

    def _printed(self, news: Printed) -> None:
        """A trade, on the taker's token."""
        match = news.match
        token = match.listed.tokens[match.taker.index]
        if token not in self._tokens:
            return
        self.tell(
            {
                "event_type": "last_trade_price",
                "asset_id": token,
                "market": match.listed.condition_id,
                "price": text(match.taker.price),
                "size": text(news.size),
                "fee_rate_bps": "0" if match.listed.fees is None else "1000",
                "side": match.taker.side,
                "timestamp": milliseconds(news.time_us),
                "transaction_hash": match.transaction,
            }
        )

    def _tick_changed(self, news: TickChanged) -> None:
        for index in self._followed(news.listed):
            self.tell(
                {
                    "event_type": "tick_size_change",
                    "asset_id": news.listed.tokens[index],
                    "market": news.listed.condition_id,
                    "old_tick_size": text(news.before),
                    "new_tick_size": text(news.after),
                    "timestamp": milliseconds(news.time_us),
                }
            )
            self.tell(self._book(news.listed, index, news.time_us))

    def _listed(self, news: MarketListed) -> None:
        """Every new market, whatever is followed (unverified)."""
        if not self._has_features:
            return
        listed = news.listed
        event = self._house.catalog.event_of(listed)
        self.tell(
            {
                "event_type": "new_market",
                "id": listed.market_id,
                "question": listed.question,
                "market": listed.condition_id,
                "slug": listed.slug,
                "description": listed.description,
                "assets_ids": list(listed.tokens),
                "outcomes": list(listed.outcomes),
                "event_message": {
                    "id": event.event_id,
                    "ticker": event.slug,
                    "slug": event.slug,
                    "title": event.title,
                    "description": event.description,
                },
                "timestamp": milliseconds(news.time_us),
                "tags": [tag.slug for tag in event.tags],
                "condition_id": listed.condition_id,
                "active": True,
                "clob_token_ids": list(listed.tokens),
                "sports_market_type": listed.sports_type,
                "line": "" if listed.line is None else text(listed.line),
                "game_start_time": "",
                "order_price_min_tick_size": text(listed.tick),
                "group_item_title": listed.group_title,
            }
        )

    def _resolved(self, news: Resolved) -> None:
        settings, listed = self._house.settings, news.listed
        is_wanted = self._has_features and settings.tells_resolutions
        if not is_wanted or not self._followed(listed):
            return
        won = news.winner
        event = self._house.catalog.event_of(listed)
        self.tell(
            {
                "event_type": "market_resolved",
                "id": listed.market_id,
                "market": listed.condition_id,
                "assets_ids": list(listed.tokens),
                "winning_asset_id": "" if won is None else listed.tokens[won],
                "winning_outcome": "" if won is None else listed.outcomes[won],
                "timestamp": milliseconds(news.time_us),
                "tags": [tag.slug for tag in event.tags],
            }
        )
