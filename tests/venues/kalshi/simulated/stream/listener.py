"""A client without ambitions: commands go in, frames come out, each of them checked."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.sessions import Session

from ..trader import HOST, Trader
from .contract import stream_contract

__all__ = ["PATH", "Listener", "NaiveBooks", "upgrade"]

PATH = "/trade-api/ws/v2"


def upgrade(trader: Trader, *, path: str = PATH, age_ms: int = 0) -> Request:
    """A signed request for a connection."""
    headers = trader.headers("GET", path, age_ms=age_ms)
    return Request("GET", HOST + path, headers=headers)


class Listener:
    """One connection of a trader. The numbers of each subscription must adjoin."""

    def __init__(self, trader: Trader, session: Session | None = None) -> None:
        made = trader.kalshi.connect(upgrade(trader)) if session is None else session
        assert not isinstance(made, Response), made
        self.session = made
        self.numbers: dict[int, int] = defaultdict(int)
        self._last_id = 0

    def frames(self) -> list[Any]:
        """All that is ready."""
        frames = [json.loads(text) for text in self.session.data_to_send()]
        contract = stream_contract()
        for frame in frames:
            contract.check(frame)
            assert contract.strangers(frame) == [], frame
            if "seq" in frame:
                self.numbers[frame["sid"]] += 1
                assert frame["seq"] == self.numbers[frame["sid"]], frame
        return frames

    def bodies(self, kind: str) -> list[Any]:
        """The ``msg`` of each frame of a type that is ready."""
        return [frame["msg"] for frame in self.frames() if frame["type"] == kind]

    def post(self, cmd: str | None, params: Any = None, **more: Any) -> int:
        """Send a command; its id."""
        self._last_id += 1
        command = {"id": self._last_id, "cmd": cmd, "params": params, **more}
        sent = {name: value for name, value in command.items() if value is not None}
        self.session.receive(json.dumps(sent))
        return self._last_id

    def ask(self, cmd: str | None, params: Any = None, **more: Any) -> list[Any]:
        """Send a command; what is ready then."""
        self.post(cmd, params, **more)
        return self.frames()

    def code(self, cmd: str | None, params: Any = None, **more: Any) -> int:
        """Send a command that fails; the code of its only answer."""
        [answer] = self.ask(cmd, params, **more)
        assert answer["type"] == "error", answer
        return answer["msg"]["code"]

    def subscribe(self, *channels: str, **params: Any) -> list[Any]:
        """Subscribe; what is ready then."""
        return self.ask("subscribe", {"channels": list(channels), **params})

    def follow(self, *channels: str, **params: Any) -> int:
        """Subscribe; the first sid, after all answers are read."""
        return self.subscribe(*channels, **params)[0]["msg"]["sid"]


class NaiveBooks:
    """Books as anybody would keep them: add deltas up, forget what is 0."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, dict[Decimal, Decimal]]] = {}

    def hear(self, frame: Any) -> None:
        body = frame["msg"]
        if frame["type"] == "orderbook_snapshot":
            self.sides[body["market_ticker"]] = {
                side: {
                    Decimal(price): Decimal(size)
                    for price, size in body.get(f"{side}_dollars_fp", [])
                }
                for side in ("yes", "no")
            }
        elif frame["type"] == "orderbook_delta":
            levels = self.sides[body["market_ticker"]][body["side"]]
            price = Decimal(body["price_dollars"])
            size = levels.get(price, Decimal(0)) + Decimal(body["delta_fp"])
            assert size >= 0, frame
            levels[price] = size
            if not size:
                del levels[price]
