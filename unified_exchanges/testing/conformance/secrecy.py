"""Keys: they stay out of what is told and stored, and out of careless hands."""

from __future__ import annotations

import logging
import pickle
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from ...errors import AuthenticationError, UnifiedExchangesError
from ...models import BUY, Market
from ...simulator.faults import Fault, redirected, too_many_requests, unavailable
from ..cassettes import NotRecorded, cassette
from ..guard import socket_guard
from .commands import ACCEPTED, LATE, UNHEARD, lasting
from .ground import Conformance, Trader

__all__ = ["Secrecy"]

_TROUBLES = {
    **{f"accepted, {name}": fault for name, fault in ACCEPTED.items()},
    **{f"unheard, {name}": fault for name, fault in UNHEARD.items()},
    "refused for its key": unavailable(401, body=b'{"error":"no"}'),
    "refused for good": unavailable(400, body=b'{"error":"no"}'),
    "refused for speed": too_many_requests(),
    "sent elsewhere": redirected("https://elsewhere.test/"),
    "late": Fault("delay", seconds=LATE),
}
_WORD = re.compile(r"[A-Za-z0-9+/_-]{16,}")


def words(*texts: str) -> set[str]:
    """The long words of some texts, PEM armour aside."""
    return {
        word
        for text in texts
        for line in text.splitlines()
        if "-----" not in line
        for word in _WORD.findall(line)
    }


def secrets(trader: Trader) -> set[str]:
    """What the exchange was made with and has signed with."""
    account = trader.ground.account()
    found = words(*(str(v) for n, v in account.items() if n != "environment"))
    for request in trader.transport.requests:
        for name, value in request.headers.items():
            if re.search(r"key|sign|auth|cookie|pass", name, re.IGNORECASE):
                found |= words(value)
    return found


def told(error: BaseException) -> str:
    """All that an error shows."""
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in chain:
        chain.append(each)
        each = each.__cause__ or each.__context__
    said = ["".join(traceback.format_exception(error))]
    said += [f"{one!r} {one!s} {vars(one)!r}" for one in chain]
    said.append(pickle.dumps(error).decode("latin-1"))
    return "\n".join(said)


class Secrecy(Conformance):
    """What is told when things go wrong, and what is refused before they do."""

    def test_fault_48_f12_no_trouble_makes_a_secret_known(
        self, trader: Trader, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        market = trader.quoted_market()
        said = {"itself": f"{trader.exchange!r} {trader.describe()!r}"}
        for kind, fault in _TROUBLES.items():
            trader.relieve()
            for reads in (False, True):
                trader.meet(lasting(fault), reads=reads)
            said[kind] = "\n".join(self.attempts(trader, market))
        said["the log"] = "\n".join(
            f"{r.getMessage()} {r.args!r} {vars(r)!r}" for r in caplog.records
        )
        hidden = secrets(trader)
        assert len(hidden) > len(_TROUBLES)
        shown = {kind for kind, text in said.items() if hidden & words(text)}
        assert shown == set()

    def attempts(self, trader: Trader, market: Market) -> list[str]:
        """All that is told of some calls, whatever becomes of them."""
        said = []
        missing = trader.ground.missing_order
        wrong = (market.market_id, market.outcomes[0].label, BUY, 0, 1)
        for name, arguments in (
            ("create_order", wrong),
            ("create_order", self.terms(trader, market)),
            ("cancel_order", (missing,)),
            ("fetch_balance", ()),
            ("fetch_open_orders", ()),
        ):
            try:
                said.append(repr(getattr(trader, name)(*arguments)))
            except UnifiedExchangesError as error:
                said.append(told(error))
        return said

    @staticmethod
    def terms(trader: Trader, market: Market) -> tuple[Any, ...]:
        """An order that is in order."""
        return (
            market.market_id,
            market.outcomes[0].label,
            "buy",
            market.grid.lowest,
            trader.units(1),
        )

    @pytest.mark.parametrize("mode", [0o640, 0o604])
    def test_fault_49_f15_a_key_file_that_others_may_read_is_refused_unsent(
        self, trader: Trader, tmp_path: Path, mode: int
    ) -> None:
        account = dict(trader.ground.account())
        if not account.get("private_key"):
            pytest.skip(f"{trader.ground.exchange_id} has no key that a file holds")
        path = tmp_path / "key"
        path.write_text(str(account["private_key"]), "utf-8")
        path.chmod(mode)
        with pytest.raises(AuthenticationError, match="chmod 600"):
            trader.another(private_key=path).fetch_balance()
        assert trader.transport.requests == []
        path.chmod(0o600)
        assert trader.another(private_key=path).fetch_balance()

    def test_fault_49_a_key_that_is_none_is_refused_unsent(
        self, trader: Trader
    ) -> None:
        account = dict(trader.ground.account())
        if not account.get("private_key"):
            pytest.skip(f"{trader.ground.exchange_id} has no key that a file holds")
        text = str(account["private_key"])
        nonsense = text[: len(text) // 2]
        with pytest.raises(AuthenticationError):
            trader.another(private_key=nonsense).fetch_balance()
        assert trader.transport.requests == []

    def test_fault_50_f16_a_replay_of_nothing_is_refused_before_a_socket_opens(
        self, trader: Trader, tmp_path: Path
    ) -> None:
        pytest.importorskip("vcr")
        path = tmp_path / "none.yaml"
        with socket_guard(), pytest.raises(NotRecorded), cassette(path):
            trader.fetch_status()
        assert trader.transport.requests == []
