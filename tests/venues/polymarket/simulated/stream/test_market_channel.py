"""The market channel: books and their changes on both tokens, trades, ticks, ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.money import complement
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket
from unified_exchanges.venues.polymarket.simulated.catalog import Catalog

from ..conftest import ADA
from ..trader import Trader, trader
from .listener import BookKeeper, Listener


def test_a_subscription_begins_with_a_list_of_books(polymarket, ada: Trader, fed):
    listener = Listener(polymarket, "/ws/market")
    listener.say(assets_ids=list(fed.tokens), type="market")
    [frame] = listener.frames()
    assert frame.startswith('[{"event_type":"book"')
    listener.say(assets_ids=list(fed.tokens), operation="subscribe")
    assert listener.frames() == []
    listener.say(assets_ids=[fed.tokens[0]], operation="unsubscribe")
    listener.say(assets_ids=list(fed.tokens), operation="subscribe")
    [book] = listener.hear()
    rest = ada.read("/clob/book", token_id=fed.tokens[0])
    assert book == {"event_type": "book", **rest}


def test_books_may_be_left_out(polymarket, fed) -> None:
    listener = Listener(polymarket, "/ws/market")
    listener.say(assets_ids=list(fed.tokens), type="market", initial_dump=False)
    assert listener.frames() == []


def test_above_so_many_assets_no_books_come(polymarket, fed) -> None:
    polymarket.settings.most_assets = 1
    listener = Listener(polymarket, "/ws/market")
    listener.say(assets_ids=[fed.tokens[0]], type="market")
    assert len(listener.frames()) == 1
    listener.say(assets_ids=[fed.tokens[1]], operation="subscribe")
    assert listener.frames() == []


def test_unknown_assets_have_no_books(polymarket) -> None:
    listener = Listener(polymarket, "/ws/market")
    listener.say(assets_ids=["5"], type="market")
    listener.say(type="market")
    assert listener.frames() == []


def test_an_order_changes_both_books(ada: Trader, fed, market: Listener) -> None:
    ada.placed(fed, "BUY", "0.50", "10")
    [event] = market.hear()
    yes, no = event["price_changes"]
    assert (yes["asset_id"], no["asset_id"]) == fed.tokens
    assert (yes["side"], yes["price"], yes["best_bid"]) == ("BUY", "0.5", "0.55")
    assert (no["side"], no["price"], no["best_ask"]) == ("SELL", "0.5", "0.45")
    assert yes["size"] == no["size"]
    assert yes["hash"] != no["hash"]
    ada.ask("DELETE", "/cancel-all")
    [event] = market.hear()
    assert Decimal(event["price_changes"][0]["size"]) == Decimal(yes["size"]) - 10


def test_an_order_on_the_other_token_is_the_same_book(
    ada: Trader, fed, market: Listener
) -> None:
    ada.placed(fed, "BUY", "0.40", "10", index=1)
    [event] = market.hear()
    yes, no = event["price_changes"]
    assert (yes["side"], yes["price"]) == ("SELL", "0.6")
    assert (no["side"], no["price"]) == ("BUY", "0.4")


def test_changes_come_on_the_other_token_too(polymarket, ada: Trader, fed) -> None:
    listener = Listener(polymarket, "/ws/market")
    listener.say(assets_ids=[fed.tokens[1]], type="market")
    listener.hear()
    ada.placed(fed, "BUY", "0.50", "10")
    [event] = listener.hear()
    assert [c["asset_id"] for c in event["price_changes"]] == list(fed.tokens)
    ada.placed(fed, "BUY", "0.56", "10")
    assert listener.kinds() == ["book"]


def test_what_is_not_followed_is_not_told(ada: Trader, market: Listener) -> None:
    other = ada.market("ceasefire-in-freedonia-by-the-end-of-the-year")
    ada.placed(other, "BUY", "0.05", "50")
    ada.placed(other, "BUY", "0.15", "50")
    assert market.frames() == []


def test_a_trade_brings_whole_books_and_its_print(
    ada: Trader, fed, market: Listener
) -> None:
    ada.placed(fed, "BUY", "0.45", "10", index=1)
    events = market.hear()
    assert [e["event_type"] for e in events] == ["book", "book", "last_trade_price"]
    told = events[-1]
    assert told["asset_id"] == fed.tokens[1]
    assert (told["price"], told["size"], told["side"]) == ("0.45", "10", "BUY")
    assert events[0] == {
        "event_type": "book",
        **ada.read("/clob/book", token_id=fed.tokens[0]),
    }


def test_a_new_top_is_told_with_the_features(ada: Trader, fed, polymarket, market):
    polymarket.change_tick(fed, "0.001")
    kinds = market.kinds()
    assert kinds == ["tick_size_change", "book"] * 2
    ada.placed(fed, "BUY", "0.555", "10")
    events = market.hear()
    assert [e["event_type"] for e in events] == ["price_change", *["best_bid_ask"] * 2]
    assert (events[1]["best_bid"], events[1]["spread"]) == ("0.555", "0.005")
    assert (events[2]["best_ask"], events[2]["best_bid"]) == ("0.445", "0.44")


def test_without_the_features_they_are_not_told(polymarket, ada: Trader, fed) -> None:
    listener = Listener(polymarket, "/ws/market")
    listener.say(assets_ids=[fed.tokens[0]], type="market")
    listener.hear()
    polymarket.change_tick(fed, "0.001")
    ada.placed(fed, "BUY", "0.555", "10")
    polymarket.engine.determine(fed.condition_id, Decimal(1))
    assert "best_bid_ask" not in (kinds := listener.kinds())
    assert "market_resolved" not in kinds
    assert kinds[:3] == ["tick_size_change", "book", "price_change"]


@pytest.mark.parametrize(
    ("value", "index"), [(Decimal(1), 0), (Decimal(0), 1), (Decimal("0.5"), None)]
)
def test_a_resolution_names_the_winner(polymarket, fed, market, value, index) -> None:
    polymarket.engine.determine(fed.condition_id, value)
    told = next(e for e in market.hear() if e["event_type"] == "market_resolved")
    winner = "" if index is None else fed.tokens[index]
    assert told["winning_asset_id"] == winner
    assert told["assets_ids"] == list(fed.tokens)


def test_a_resolution_may_not_be_told(polymarket, ada: Trader, fed, market) -> None:
    other = ada.market("ceasefire-in-freedonia-by-the-end-of-the-year")
    polymarket.engine.determine(other.condition_id, Decimal(1))
    polymarket.settings.tells_resolutions = False
    polymarket.engine.determine(fed.condition_id, Decimal(1))
    assert "market_resolved" not in market.kinds()


def test_a_new_market_is_told_whatever_is_followed(
    polymarket, ada, fed, market
) -> None:
    import attrs

    plain = Listener(polymarket, "/ws/market")
    plain.say(assets_ids=[fed.tokens[0]], type="market")
    plain.hear()
    for place, line in enumerate((None, Decimal("-2.5"))):
        new = attrs.evolve(
            fed,
            condition_id=f"0x{place}",
            tokens=(f"10{place}", f"11{place}"),
            slug=f"new-{place}",
            market_id=f"9{place}",
            line=line,
        )
        polymarket.list_market(new)
    first, second = market.hear()
    assert (first["event_type"], first["slug"]) == ("new_market", "new-0")
    assert (first["line"], second["line"]) == ("", "-2.5")
    assert plain.frames() == []
    assert ada.placed(new, "BUY", "0.5", "10")["status"] == "live"


def test_books_that_are_kept_agree_with_those_that_are_read(clock) -> None:
    flow = FlowSettings(actions_per_second=2.0, levels=4)
    polymarket = SimulatedPolymarket(
        seed=5, clock=clock, lively=True, flow=flow, enforce_limits=False
    )
    ada = trader(polymarket, clock, ADA)
    listed = [
        ada.market(),
        ada.market("will-ada-quimby-be-the-next-mayor-of-springfield"),
    ]
    tokens = [token for each in listed for token in each.tokens]
    listener, keeper = Listener(polymarket, "/ws/market"), BookKeeper()
    listener.say(assets_ids=tokens, type="market")
    last = 0
    for _ in range(60):
        clock.advance(1)
        polymarket.advance()
        for event in listener.hear():
            keeper.take(event)
            assert int(event["timestamp"]) >= last
            last = int(event["timestamp"])
    for token in tokens:
        book = ada.read("/clob/book", token_id=token)
        bids = {Decimal(row["price"]): Decimal(row["size"]) for row in book["bids"]}
        assert keeper.books[token]["BUY"] == bids
    for each in listed:
        yes, no = (keeper.books[token] for token in each.tokens)
        assert yes["BUY"] == {complement(p): s for p, s in no["SELL"].items()}


def test_an_empty_side_has_its_best_at_the_end(polymarket, ada: Trader, market, fed):
    early = ada.market("will-the-be-sharps-be-number-one")
    listener, keeper = Listener(polymarket, "/ws/market"), BookKeeper()
    listener.say(assets_ids=list(early.tokens), type="market")
    for event in listener.hear():
        keeper.take(event)
    ada.clock.advance(2 * 86_400 + 1)
    ada.placed(early, "BUY", "0.2", "10")
    for event in listener.hear():
        keeper.take(event)
        change = event["price_changes"][0]
        assert (change["best_bid"], change["best_ask"]) == ("0.2", "1")


def test_the_catalog_knows_no_other_tokens() -> None:
    assert Catalog().of_token("1") is None


def test_what_one_order_does_is_told_in_the_order_of_its_times(
    ada: Trader,
    fed,
    market: Listener,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = clock.now

    def ticking() -> float:
        clock.advance(0.001)
        return now()

    monkeypatch.setattr(clock, "now", ticking)
    # More than is offered at these prices: the rest of it goes into the book.
    ada.placed(fed, "BUY", "0.57", "1500")
    told = market.hear()
    assert {"book", "price_change"} <= {event["event_type"] for event in told}
    times = [int(event["timestamp"]) for event in told]
    assert times == sorted(times)
