"""The user channel: a member's orders and trades as they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..news import News, OrderTold, TradeTold
from ..order_views import maker_view, side_of, trade_view
from ..records import Match
from ..wallets import ApiKey
from ..wire import Payload, milliseconds, seconds, text
from .session import Session

if TYPE_CHECKING:
    from ..house import House

__all__ = ["UserSession"]

_POLICY = 1008


class UserSession(Session):
    """What happens to the orders of one API key.

    There is no snapshot and no replay. Credentials that are wrong end the connection
    (that there is no frame about it is assumed).
    """

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._key: ApiKey | None = None
        self._markets: set[str] | None = None
        """Condition ids; None: all."""

    # Commands

    def _carry_out(self, sent: Payload) -> None:
        if self._key is None:
            self._sign_in(sent)
            return
        markets = _names(sent)
        if sent.get("operation") == "subscribe" and self._markets is not None:
            self._markets |= markets
        elif sent.get("operation") == "unsubscribe" and self._markets is not None:
            self._markets -= markets

    def _sign_in(self, sent: Payload) -> None:
        given = sent.get("auth")
        auth = given if isinstance(given, dict) else {}
        key = self._house.keys.get(str(auth.get("apiKey")))
        wanted = None if key is None else (key.secret, key.passphrase)
        if wanted != (auth.get("secret"), auth.get("passphrase")):
            self.hang_up(_POLICY)
            return
        self._key = key
        self._is_subscribed = True
        self._markets = _names(sent) or None

    # News

    def _hear(self, news: News) -> None:
        if isinstance(news, OrderTold):
            self._order(news)
        elif isinstance(news, TradeTold):
            self._trade(news)

    def _follows(self, condition_id: str) -> bool:
        return self._markets is None or condition_id in self._markets

    def _order(self, news: OrderTold) -> None:
        placed, key = news.placed, self._key
        if key is None or placed.key_id != key.key_id:
            return
        if not self._follows(placed.listed.condition_id):
            return
        is_killed = news.matched is None
        created = str(seconds(placed.created_us))
        if news.status.startswith("CANCELED_"):
            # Milliseconds here, seconds elsewhere (captures of 2024 and 2026).
            created = milliseconds(placed.created_us)
        self.tell(
            {
                "event_type": "order",
                "id": placed.order_id,
                "owner": placed.key_id,
                "market": placed.listed.condition_id,
                "asset_id": placed.token,
                "side": placed.side,
                "order_owner": placed.key_id,
                "original_size": text(placed.size),
                "size_matched": "" if news.matched is None else text(news.matched),
                "price": text(placed.price),
                "associate_trades": list(placed.trade_ids)
                or ([] if is_killed else None),
                "outcome": "" if is_killed else placed.outcome,
                "type": news.change,
                "created_at": "" if is_killed else created,
                "expiration": str(placed.expiration),
                "order_type": placed.order_type,
                "status": news.status,
                "maker_address": placed.maker,
                "timestamp": milliseconds(news.time_us),
            }
        )

    def _trade(self, news: TradeTold) -> None:
        match, key = news.match, self._key
        if key is None or not self._follows(match.listed.condition_id):
            return
        if key.key_id in {leg.key_id for leg in match.members}:
            self.tell(_trade_event(match, key.key_id, news))


def _names(sent: Payload) -> set[str]:
    markets = sent.get("markets")
    return {m for m in markets if isinstance(m, str)} if markets else set()


def _trade_event(match: Match, key_id: str, news: TradeTold) -> Payload:
    view = trade_view(match, key_id)
    del view["match_time_nano"], view["err_msg"]
    is_mined = news.status != "MATCHED"
    return {
        "event_type": "trade",
        "type": "TRADE",
        **view,
        "status": news.status,
        "trade_owner": key_id,
        "transaction_hash": match.transaction if is_mined else None,
        "maker_orders": [
            {**maker_view(match, leg), "outcome_index": leg.index}
            for leg in match.makers
        ],
        "trader_side": side_of(match, key_id),
        "timestamp": milliseconds(news.time_us),
    }
