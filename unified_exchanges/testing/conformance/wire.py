"""Real sockets: answers that drip, lead elsewhere or break, and what a replay may do."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from ...errors import ConnectionLost, OrderUnknown, UnifiedExchangesError
from ...flow import Request, Response
from ...policy import RetryPolicy
from ...simulator.faults import Fault, redirected
from ...simulator.server import SimulatorServer
from ..cassettes import NotRecorded, cassette
from ..guard import socket_guard
from .live import LiveConformance, LiveTrader, Stage

__all__ = ["Wire"]

ONCE = RetryPolicy(attempts=1)
_SOON = 0.4
_SHORT = 1000
_PAGE = b"<html><body>" + b"be right back " * 2000 + b"</body></html>"


_ENDLESS = (Fault("trickle", seconds=0.1), Fault("stall"), Fault("delay", seconds=5.0))
_BROKEN = (
    Fault("garble", count=None),
    Fault("truncate", count=None),
    Fault("answer", status=200, body=_PAGE, count=None),
)


class Elsewhere:
    """Another host: it keeps what it is sent."""

    def __init__(self) -> None:
        self.came: list[Request] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:  # noqa: ARG002
        """Take it and say nothing."""
        self.came.append(request)
        return Response(200, {}, b"{}")


class Wire(LiveConformance):
    """What the layers below do by themselves, and must not."""

    @pytest.mark.parametrize("write", [True, False])
    def test_fault_45_a_redirect_to_another_host_gets_no_headers(
        self, live: LiveTrader, *, write: bool
    ) -> None:
        market = live.quoted_market()
        other = Elsewhere()
        with SimulatorServer(other) as server:
            fault = redirected(f"{server.url}/elsewhere", count=None)
            live.strike(fault)
            with pytest.raises(UnifiedExchangesError):
                live.rest(market) if write else live.fetch_balance()
        assert other.came == []

    def test_fault_45_a_redirect_without_end_has_one(self, live: LiveTrader) -> None:
        live.strike(redirected(f"{live.stage.url}/again", count=None))
        with pytest.raises(UnifiedExchangesError):
            live.fetch_balance()
        assert len(live.stage.requests.struck) <= RetryPolicy().attempts

    def test_fault_45_an_answer_that_does_not_end_is_given_up_in_time(
        self, stage: Stage, live: LiveTrader
    ) -> None:
        flavour = "async" if live.is_async else "blocking"
        hasty = stage.trader(flavour, timeout=_SOON, retry=ONCE)
        for endless in _ENDLESS:
            live.strike(endless)
            began = time.monotonic()
            with pytest.raises(UnifiedExchangesError):
                hasty.fetch_status()
            assert time.monotonic() - began < 4 * _SOON

    def test_fault_45_an_answer_that_is_none_is_a_typed_error_and_short(
        self, live: LiveTrader
    ) -> None:
        for broken in _BROKEN:
            live.stage.requests.clear()
            live.strike(broken)
            with pytest.raises(UnifiedExchangesError) as caught:
                live.fetch_balance()
            assert len(str(caught.value)) < _SHORT
            assert len(caught.value.payload or "") < _SHORT

    def test_fault_01_a_venue_that_is_not_there_got_nothing(
        self, stage: Stage, live: LiveTrader
    ) -> None:
        market = live.quoted_market()
        stage.go_down()
        with pytest.raises(ConnectionLost) as caught:
            live.rest(market, client_order_id="intent")
        assert not caught.value.sent
        assert not caught.value.maybe_executed

    def test_fault_02_a_broken_connection_makes_no_second_order(
        self, live: LiveTrader
    ) -> None:
        market = live.quoted_market()
        live.strike(Fault("drop", method="POST", count=None))
        with suppress(OrderUnknown):
            live.rest(market, live.units(5), client_order_id="intent")
        live.stage.requests.clear()
        assert len(live.fetch_open_orders()) == 1

    def test_fault_17_f17_the_layer_below_sends_nothing_twice_by_itself(
        self, live: LiveTrader
    ) -> None:
        order = live.rest(live.quoted_market())
        live.strike(Fault("drop", commits=True))
        before = time.monotonic()
        assert live.cancel_order(order.order_id).status == "canceled"
        assert time.monotonic() - before < 5
        assert live.fetch_open_orders() == []

    def test_fault_50_f16_a_replay_answers_what_was_recorded_and_nothing_else(
        self, live: LiveTrader, tmp_path: Path
    ) -> None:
        pytest.importorskip("vcr")
        path = tmp_path / "tape.yaml"
        flavour = "async" if live.is_async else "blocking"
        with cassette(path, "record"):
            recorded = live.stage.trader(flavour)
            status = recorded.fetch_status()
            recorded.shut()
        asked = len(live.stage.requests.struck)
        with cassette(path), socket_guard():
            replayed = live.stage.trader(flavour)
            assert replayed.fetch_status() == status
            with pytest.raises(NotRecorded):
                replayed.fetch_status()
            with pytest.raises(NotRecorded):
                replayed.fetch_balance()
            replayed.shut()
        assert len(live.stage.requests.struck) == asked
