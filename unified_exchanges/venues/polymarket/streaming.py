"""Where Polymarket's two sockets are, and what they need to know.

Market data needs no key.  The account is told on a second socket, to which the key is said
in the first frame (docs.polymarket.com, websockets, 2026-08).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import AuthenticationError
from ...flow import Flow, collect
from ...hidden import Hidden
from ...models import Market, MarketChange, MarketStatus, Subject
from ...streams.line import Line
from ...streams.protocol import StreamProtocol
from ...streams.session import Dial
from .arguments import read_market_ids
from .fill_history import FillHistory

if TYPE_CHECKING:
    from .stream import MarketStream, UserStream

__all__ = ["Streaming"]

_PRIVATE = frozenset({Subject.ORDERS, Subject.FILLS, Subject.POSITIONS})
_PUBLIC = frozenset(Subject) - _PRIVATE
_NONE: Mapping[str, str] = {}


class Streaming(FillHistory):
    """The venue's doors to its sockets."""

    def lines(self) -> tuple[Line, ...]:
        """Two connections: what the market says, and what becomes of our orders."""
        return (
            Line(
                name="market",
                subjects=_PUBLIC,
                open=self.stream,
                dial=self._dial("market"),
            ),
            Line(
                name="user",
                subjects=_PRIVATE,
                open=self.user_stream,
                dial=self._dial("user"),
                prepare=self.prepare_user_stream,
            ),
        )

    def stream(self) -> StreamProtocol:
        """A new conversation about markets, not connected yet."""
        return self.market_stream()

    def market_stream(self) -> MarketStream:
        """The same, by its own kind."""
        from .stream import MarketStream  # noqa: PLC0415 - only programs that stream

        return MarketStream(
            clock=self.clock, names=self.memory, policy=self.settings.stream
        )

    def user_stream(self) -> UserStream:
        """A new conversation about our account, not connected yet."""
        from .stream import UserStream, Whose  # noqa: PLC0415

        def introduce() -> Hidden | None:
            held = self.credentials
            return None if held is None or held.api is None else held.api.introduction()

        whose = Whose(
            ours=self.ours,
            label=self._label_of_token,
            fees=self.known_fees,
            client_id=self.memory.client_id,
        )
        return UserStream(
            clock=self.clock,
            introduce=introduce,
            whose=whose,
            policy=self.settings.stream,
        )

    def stream_address(self, channel: str) -> str:
        """Where a channel is; beside the REST of an environment given by its URL."""
        environment = self.environment
        base = environment.stream
        if base is None:
            known = (
                x.stream
                for x in self.facts.environments.values()
                if x.rest == environment.rest and x.stream is not None
            )
            base = next(known, None)
        if base is None:
            parts = urlsplit(environment.rest)
            scheme = "wss" if parts.scheme == "https" else "ws"
            base = f"{scheme}://{parts.netloc}/ws"
        return f"{base}/{channel}"

    @property
    def stream_url(self) -> str:
        """Where market data is told."""
        return self.stream_address("market")

    def stream_headers(self) -> Mapping[str, str]:
        """None are needed: the user channel is told the key in a frame."""
        return _NONE

    def _dial(self, channel: str) -> Dial:
        return Dial(
            url=self.stream_address(channel),
            headers=self.stream_headers if channel == "market" else self.require_key,
            observe=self.offset.observe,
            timeout=self.settings.timeout,
            venue=self.id,
            taps=self.taps,
            says_key=channel == "user",
        )

    def require_key(self) -> Mapping[str, str]:
        """No headers; raises `AuthenticationError` where there is no key to introduce."""
        if not self.has_key:
            message = (
                "the stream of orders and fills needs a key: pass private_key= (64 "
                "hexadecimal digits or the path of a file), or set the environment "
                "variable for it; market data needs none"
            )
            raise AuthenticationError(message, venue=self.id)
        return _NONE

    def prepare_user_stream(self) -> Flow[None]:
        """Get the API key of the private key, where none was given."""
        if not self.key_id:
            yield from self.obtain_key()

    # -- what the streams ask -------------------------------------------------------

    def _label_of_token(self, market_id: str, token: str) -> str | None:
        known = self.memory.market(market_id)
        if known is None:
            return None
        return next((x.label for x in known.outcomes if x.outcome_id == token), None)

    def read_watch(
        self, market_ids: str | Sequence[str] | None, outcome: str | None
    ) -> tuple[tuple[str, ...] | None, str | None]:
        """Market ids and an outcome, checked as far as the markets are known."""
        if isinstance(market_ids, str):
            market_ids = (market_ids,)
        ids = None if market_ids is None else tuple(read_market_ids(market_ids))
        wish = None if outcome is None else str(outcome)
        for name in ids or ():
            known = self.memory.market(name)
            if known is not None:
                known.outcome(wish)
        return ids, wish

    def missing_markets(self, market_ids: Sequence[str]) -> Flow[list[str]]:
        """Those among the markets that do not exist; of the others fees are known then."""
        missing = yield from super().missing_markets(market_ids)
        there = [name for name in read_market_ids(market_ids) if name not in missing]
        yield from self.readable_fees(there)
        return missing

    def settled_markets(self, market_ids: Sequence[str]) -> Flow[list[MarketChange]]:
        """How those of the markets ended that are resolved."""
        wanted = read_market_ids(market_ids)
        there = yield from collect(
            self.known_markets(wanted, leave_out=self.go_without)
        )
        return [
            _ending(market) for market in there if market.status is MarketStatus.SETTLED
        ]


def _ending(market: Market) -> MarketChange:
    """What Gamma tells of a market that is resolved, as the stream should have told it."""
    return MarketChange(
        venue=market.venue,
        raw_json=market.raw_json,
        market_id=market.market_id,
        change="market_resolved",
        status=market.status,
        result=market.result,
        value=market.settlement_price,
        timestamp=market.settled_at,
    )
