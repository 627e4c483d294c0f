"""What the journal knows the tracker knows: from the first moment, and until it is over."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry

import unified_exchanges as ux
from tests.journal.samples import intent
from unified_exchanges.flow import AskIntent, Done, Flow, Recall, advance
from unified_exchanges.models import Intent, IntentState, OrderRequest
from unified_exchanges.observers.opentelemetry import OpenTelemetryObserver
from unified_exchanges.observers.prometheus import PrometheusObserver
from unified_exchanges.tracking.calls import TrackedCalls

from .samples import Plan, fill, tracker_of
from .stage import MARKET, ORDERS, Stage

D = Decimal
READS = "/portfolio/orders"


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def stage(flavour: str, path: Path) -> Iterator[Stage]:
    made = Stage(flavour, journal=path)
    yield made
    made.restart()


def lose(stage: Stage, *, arrives: bool, key: str = "lost") -> None:
    """A create of 5 at 0.01 whose answer is lost, and which cannot be looked up then."""
    stage.fault("drop", method="POST", path=ORDERS, commits=arrives, count=None)
    stage.fault("answer", method="GET", path=READS, count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.bid(client_order_id=key)
    stage.ground.requests.clear()


def known(stage: Stage) -> list[tuple[str | None, str]]:
    return [(x.client_order_id, str(x.state)) for x in stage.orders]


def facts(stage: Stage) -> tuple[Any, ...]:
    """How many are unresolved, by all who count, and what is at risk."""
    return (
        len(stage.orders.unresolved),
        stage.client.health().unresolved_orders,
        len(stage.client.unresolved_intents()),
        stage.orders.exposure(),
    )


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "lost"])
def test_fault_12_what_was_left_open_is_exposure_from_the_first_moment(
    stage: Stage, *, arrives: bool
) -> None:
    lose(stage, arrives=arrives)
    stage.restart()
    assert known(stage) == [("lost", "unresolved")]
    (left,) = stage.orders.unresolved
    assert (left.side, left.price, left.size) == ("buy", D("0.01"), 5)
    assert (left.is_external, left.order_id) == (False, None)
    assert facts(stage) == (1, 1, 1, D("0.05"))
    assert stage.creates == 0


def test_fault_12_a_sale_is_told_of_the_first_outcome(stage: Stage) -> None:
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.client.create_order(MARKET, "no", "buy", "0.01", 5)
    stage.restart()
    (left,) = stage.orders.unresolved
    assert (left.outcome, left.side, left.price) == ("yes", "sell", D("0.99"))
    assert stage.orders.exposure() == D("0.05")


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
@pytest.mark.parametrize("end", ["", "-wal"])
@pytest.mark.parametrize("gone", [True, False], ids=["removed", "emptied"])
def test_fault_12_24_no_order_leaves_once_its_journal_is_lost_while_it_is_open(
    stage: Stage, path: Path, end: str, *, gone: bool
) -> None:
    resting = stage.bid(client_order_id="before")
    file = path.with_name(path.name + end)
    file.unlink() if gone else os.truncate(file, 0)
    for _ in range(2):
        with pytest.raises(ux.JournalError, match="look at the venue"):
            stage.bid()
        (result,) = stage.client.create_orders(
            [
                OrderRequest(
                    market_id=MARKET, outcome="yes", side="buy", price="0.01", size=5
                )
            ]
        )
        assert isinstance(result.error, ux.JournalError)
    assert stage.creates == 1
    # What takes risk away goes on.
    assert not stage.client.cancel_order(resting.order_id).is_open
    report = stage.client.halt("the journal is lost")
    assert not report.is_complete
    assert any(isinstance(x, ux.JournalError) for x in report.errors)


def test_fault_12_reconcile_adopts_what_it_finds_with_its_fills(stage: Stage) -> None:
    stage.fault("drop", method="POST", path=ORDERS, count=None)
    stage.fault("answer", method="GET", path=READS, count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.buy("3", client_order_id="lost")
    stage.ground.requests.clear()
    # It ended long before the next run begins.
    stage.clock.advance(3600)
    stage.restart()
    assert facts(stage)[:3] == (1, 1, 1)
    report = stage.client.reconcile()
    assert [x.client_order_id for x in report.found] == ["lost"]
    (adopted,) = stage.orders
    assert (adopted.state, adopted.filled, adopted.is_external) == ("filled", 3, False)
    assert facts(stage) == (0, 0, 0, 0)


def test_fault_12_reconcile_proves_it_absent(stage: Stage) -> None:
    lose(stage, arrives=False)
    stage.restart()
    assert len(stage.client.reconcile().absent) == 1
    assert known(stage) == [("lost", "absent")]
    assert facts(stage) == (0, 0, 0, 0)


def test_fault_12_what_stays_unknown_stays_at_risk(stage: Stage) -> None:
    lose(stage, arrives=True)
    stage.restart()
    stage.fault("answer", method="GET", path=READS, count=None)
    assert len(stage.client.reconcile().unknown) == 1
    assert facts(stage) == (1, 1, 1, D("0.05"))
    stage.ground.requests.clear()
    stage.client.reconcile()
    assert known(stage) == [("lost", "open")]
    assert facts(stage) == (0, 0, 0, D("0.05"))


def test_fault_12_the_first_create_resolves_and_counts_both(stage: Stage) -> None:
    lose(stage, arrives=True)
    stage.restart()
    stage.bid("7", client_order_id="new")
    assert known(stage) == [("lost", "open"), ("new", "open")]
    assert facts(stage) == (0, 0, 0, D("0.12"))


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_fault_07_the_same_order_may_be_sent_again_at_once(
    stage: Stage, *, batch: bool
) -> None:
    lose(stage, arrives=True)
    lose(stage, arrives=False, key="other")
    stage.restart()
    if batch:
        wanted = [
            OrderRequest(
                market_id=MARKET,
                outcome="yes",
                side="buy",
                price="0.01",
                size=5,
                client_order_id=key,
            )
            for key in ("lost", "other")
        ]
        assert [x.error for x in stage.client.create_orders(wanted)] == [None, None]
    else:
        # What it does not name holds it back, as long as it may be on its way.
        with pytest.raises(ux.UnresolvedOrders) as caught:
            stage.bid(client_order_id="new")
        assert caught.value.client_order_ids == ("other",)
        assert stage.bid(client_order_id="lost").is_open
        stage.bid(client_order_id="other")
    placed = [x.client_order_id for x in stage.elsewhere.fetch_orders()]
    assert sorted(placed) == ["lost", "other"]
    stage.client.reconcile()
    assert facts(stage) == (0, 0, 0, D("0.10"))


@pytest.mark.parametrize("how", ["key", "tracked", "intent"])
def test_fault_12_an_order_of_an_earlier_run_is_waited_for(
    stage: Stage, how: str
) -> None:
    lose(stage, arrives=True)
    stage.restart()
    (intent,) = stage.client.unresolved_intents()
    stage.at(2, stage.elsewhere.cancel_all_orders)
    if how == "key":
        done = stage.client.wait_done(timeout=60, client_order_id="lost")
    else:
        left = intent if how == "intent" else stage.orders.unresolved[0]
        done = stage.client.wait_done(left, 60)
    assert (done.client_order_id, done.status) == ("lost", "canceled")
    # What it found is written down as well.
    assert facts(stage) == (0, 0, 0, 0)


def test_fault_12_an_order_of_an_earlier_run_that_was_resolved_is_waited_for(
    stage: Stage,
) -> None:
    stage.bid(client_order_id="earlier")
    stage.restart()
    assert known(stage) == []
    stage.at(2, stage.elsewhere.cancel_all_orders)
    done = stage.client.wait_done(client_order_id="earlier", timeout=60)
    assert done.status == "canceled"


def test_fault_03_one_that_is_not_there_is_waited_for_until_it_cannot_come(
    stage: Stage,
) -> None:
    lose(stage, arrives=False)
    stage.restart()
    with pytest.raises(ux.OrderNotDone):
        stage.client.wait_done(timeout=5, client_order_id="lost")
    with pytest.raises(ux.OrderNotFilled, match="absent"):
        stage.client.wait_done(timeout=60, client_order_id="lost")


@pytest.mark.parametrize("given", [(), ("o1", "key")])
def test_what_is_waited_for_is_said_in_one_way(stage: Stage, given: Any) -> None:
    order = given[0] if given else None
    key = given[1] if given else None
    with pytest.raises(ux.ArgumentsRequired, match="one of them"):
        stage.client.wait_filled(order, client_order_id=key)


def test_fault_12_a_look_by_our_id_ends_it_in_the_journal(stage: Stage) -> None:
    lose(stage, arrives=True)
    assert facts(stage)[:3] == (1, 1, 1)
    stage.client.fetch_order(client_order_id="lost")
    assert facts(stage)[:3] == (0, 0, 0)


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "lost"])
def test_fault_12_what_another_process_has_ended_counts_until_it_is_known_how(
    stage: Stage, *, arrives: bool
) -> None:
    lose(stage, arrives=arrives)
    first, second, third = (stage.another() for _ in range(3))
    first.reconcile()
    # Only from here: it is what the journal told.
    asked = len(second.transport.requests)
    assert second.unresolved_intents() == []
    (left,) = second.exchange.orders
    state, risk = ("unknown", D("0.05")) if arrives else ("absent", D(0))
    assert (str(left.state), left.at_risk, left.is_doubtful) == (state, risk, False)
    assert left.order_id == (first.fetch_open_orders()[0].order_id if arrives else None)
    assert second.health().unresolved_orders == 0
    assert len(second.transport.requests) == asked
    # A read shows how it stands, also where it had ended before that.
    stage.elsewhere.cancel_all_orders()
    for each in (second, third):
        each.reconcile()
        ended = "canceled" if arrives else "absent"
        assert [str(x.state) for x in each.exchange.orders] == [ended]
        assert each.exchange.orders.exposure() == 0
    for each in (first, second, third):
        stage.client = each
        stage.restart()


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "lost"])
def test_fault_12_what_another_process_found_and_we_cannot_read_is_not_complete(
    stage: Stage, *, arrives: bool
) -> None:
    lose(stage, arrives=arrives)
    finder = stage.another()
    finder.reconcile()
    stage.fault("answer", status=503, method="GET", path=READS, count=None)
    report = stage.client.reconcile()
    if arrives:
        (left,) = report.unknown
        assert (left.client_order_id, str(left.state)) == ("lost", "unknown")
        assert "could not be read" in left.detail
    # What the journal proves needs no read.
    assert report.is_complete is not arrives
    assert stage.orders.exposure() == (D("0.05") if arrives else 0)
    stage.ground.requests.clear()
    assert stage.client.reconcile().is_complete
    assert [x.client_order_id for x in stage.orders.unresolved] == []
    state = "open" if arrives else "absent"
    assert [str(x.state) for x in stage.orders] == [state]
    stage.client = finder
    stage.restart()


def test_fault_12_what_no_report_can_name_is_an_error(stage: Stage) -> None:
    lose(stage, arrives=False)
    finder = stage.another()
    assert len(finder.reconcile().absent) == 1
    stage.clock.advance(40 * 86_400)
    assert finder.compact_journal() == 1
    stage.fault("answer", status=503, method="GET", path=READS, count=None)
    with pytest.raises(ux.ExchangeNotAvailable, match="order lost is not known") as met:
        stage.client.reconcile()
    assert met.value.client_order_id == "lost"
    assert len(stage.orders.unresolved) == 1
    stage.ground.requests.clear()
    assert stage.client.reconcile().is_complete
    assert stage.orders.unresolved == []
    stage.client = finder
    stage.restart()


def test_fault_12_a_cap_counts_what_another_process_has_found(stage: Stage) -> None:
    lose(stage, arrives=True)
    careful = stage.another(guards=ux.GuardPolicy(max_exposure=D("0.08")))
    finder = stage.another()
    finder.reconcile()
    careful.unresolved_intents()
    with pytest.raises(ux.GuardTripped, match="max_exposure"):
        careful.create_order(MARKET, "yes", "buy", "0.01", 5)
    stage.elsewhere.cancel_all_orders()
    careful.reconcile()
    assert careful.create_order(MARKET, "yes", "buy", "0.01", 5).is_open
    for each in (careful, finder):
        stage.client = each
        stage.restart()


def test_fault_12_what_the_journal_has_forgotten_counts_until_it_is_read(
    stage: Stage,
) -> None:
    lose(stage, arrives=True)
    second, finder = stage.another(), stage.another()
    finder.reconcile()
    stage.clock.advance(2)
    assert finder.compact_journal(days=0) == 1
    assert second.unresolved_intents() == []
    assert second.health().unresolved_orders == 1
    assert second.exchange.orders.exposure() == D("0.05")
    second.reconcile()
    assert [str(x.state) for x in second.exchange.orders] == ["open"]
    for each in (second, finder):
        stage.client = each
        stage.restart()


def test_fault_12_where_the_journal_cannot_tell_how_it_ended_it_counts() -> None:
    tracker, clock = tracker_of()
    tracker.recalled([intent("one")])
    calls = TrackedCalls(tracker, clock)
    account = intent("one").account

    def recall() -> Flow[int]:
        return len(cast("tuple[Intent, ...]", (yield Recall(account))))

    flow = calls.following(recall())
    assert isinstance(advance(flow, None), Recall)
    asks = advance(flow, ())
    assert isinstance(asks, AskIntent)
    assert (asks.account, asks.client_order_id) == (account, "one")
    done = advance(flow, ux.JournalError("the disk is gone"))
    assert isinstance(done, Done)
    assert done.value == 0
    assert [str(x.state) for x in tracker.views()] == ["unresolved"]


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (IntentState.REFUSED, "refused"),
        (IntentState.ABSENT, "absent"),
        (IntentState.PLACED, "unknown"),
        (IntentState.PENDING, "unresolved"),
    ],
)
def test_fault_12_how_another_process_ended_it_is_how_it_stands(
    state: IntentState, shown: str
) -> None:
    tracker, _ = tracker_of()
    left = intent("one")
    tracker.recalled([left])
    assert tracker.recalled([]) == ["one"]
    tracker.ended_elsewhere(left.ended(state))
    assert [str(x.state) for x in tracker.views()] == [shown]
    # What is known by then is not changed by what the journal tells late.
    tracker.ended_elsewhere(left.ended(IntentState.REFUSED))
    now = "refused" if state is IntentState.PENDING else shown
    assert [str(x.state) for x in tracker.views()] == [now]
    tracker.ended_elsewhere(intent("other").ended(IntentState.REFUSED))
    assert len(tracker) == 1


def test_fault_21_a_fill_seen_before_the_journal_told_is_counted_once() -> None:
    tracker, _ = tracker_of()
    left = intent("one")
    tracker.recalled([left])
    tracker.fill(fill(size=D(1), market_id=left.market_id, client_order_id=None))
    tracker.ended_elsewhere(left.ended(IntentState.PLACED, order_id="o1"))
    (known,) = tracker.views()
    assert (known.order_id, known.client_order_id, known.filled) == ("o1", "one", 1)


def test_fault_12_what_this_object_sends_again_is_its_own() -> None:
    tracker, _ = tracker_of()
    tracker.recalled([intent("one")])
    tracker.intend(Plan(client_order_id="one"))
    tracker.doubted("one")
    tracker.recalled([])
    assert [str(x.state) for x in tracker.views()] == ["unresolved"]


class Interrupt(BaseException):
    """Ctrl-C, or the end of a task."""


def test_fault_47_an_interrupted_create_counts_before_and_after_a_restart(
    stage: Stage,
) -> None:
    def interrupt() -> None:
        raise Interrupt

    stage.client.fetch_market(MARKET)
    stage.at(0, interrupt)
    with pytest.raises(Interrupt):
        stage.bid(client_order_id="lost")
    assert facts(stage) == (1, 1, 1, D("0.05"))
    stage.restart()
    assert facts(stage) == (1, 1, 1, D("0.05"))


def test_a_journal_that_cannot_be_read_leaves_cancels_and_reads(
    path: Path, flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"no database" * 200)
    stage = Stage(flavour, journal=path)
    assert "what earlier runs left open is not known" in caplog.text
    assert stage.client.cancel_all_orders().is_complete
    with pytest.raises(ux.JournalError):
        stage.bid()
    assert (stage.creates, len(stage.orders)) == (0, 0)


def test_nothing_is_made_to_read(path: Path, flavour: str) -> None:
    stage = Stage(flavour, journal=path)
    assert stage.client.unresolved_intents() == []
    assert stage.client.reconcile().is_complete
    assert not path.exists()


def test_flows_that_are_run_count_as_methods_do(flavour: str) -> None:
    stage = Stage(flavour)
    request = OrderRequest(
        market_id=MARKET, outcome="yes", side="buy", price="0.01", size=5
    )
    venue = stage.client.exchange.venue
    stage.client.run(venue.create_order(request))
    assert [str(x.state) for x in stage.orders] == ["open"]
    stage.client.run(stage.client.exchange.placing(request))
    assert [str(x.state) for x in stage.orders] == ["open", "open"]
    stage.fault("answer", method="POST", path=ORDERS, status=400, commits=False)
    with pytest.raises(ux.BadRequest):
        stage.client.run(venue.create_order(request))
    assert [str(x.state) for x in stage.orders] == ["refused", "open", "open"]

    def twice() -> Any:
        yield from venue.create_order(request)
        return None

    stage.client.run(twice())
    (left,) = stage.orders.unresolved
    stage.client.fetch_orders()
    assert (stage.orders.unresolved, stage.orders.exposure()) == ([], D("0.15"))
    assert stage.orders.find(client_order_id=left.client_order_id).state == "open"


# -- who shows the number --------------------------------------------------------------


def prometheus() -> tuple[Any, Callable[[], object]]:
    registry = CollectorRegistry()
    where = {"venue": "kalshi", "environment": "demo"}
    name = "unified_exchanges_unresolved_orders"
    return (
        PrometheusObserver(registry),
        lambda: registry.get_sample_value(name, where),
    )


def opentelemetry() -> tuple[Any, Callable[[], object]]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])

    def shown() -> object:
        data = reader.get_metrics_data()
        assert data is not None
        (found,) = (
            point.value
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == "unified_exchanges.unresolved_orders"
            for point in metric.data.data_points
        )
        return found

    return OpenTelemetryObserver(provider), shown


@pytest.mark.parametrize("observing", [prometheus, opentelemetry])
def test_fault_02_a_lost_answer_is_shown_until_it_is_resolved(
    flavour: str, path: Path, observing: Callable[[], Any]
) -> None:
    observer, shown = observing()
    stage = Stage(flavour, journal=path, observer=observer)
    assert (shown(), stage.client.health().unresolved_orders) == (0, 0)
    lose(stage, arrives=True)
    assert (shown(), stage.client.health().unresolved_orders) == (1, 1)
    stage.restart()
    assert (shown(), stage.client.health().unresolved_orders) == (1, 1)
    stage.client.reconcile()
    assert (shown(), stage.client.health().unresolved_orders) == (0, 0)
    stage.restart()


def test_fault_44_what_was_written_by_a_clock_ahead_of_ours_was_not_sent_later() -> (
    None
):
    """Else it would be missing from some moment to come, and an alarm wait for that."""
    tracker, clock = tracker_of()
    at = datetime.fromtimestamp(clock.now() + 600, UTC)
    tracker.recalled([intent("ahead", written_at=at, arrives_by=at)])
    assert tracker.missing_since == clock.now()
    clock.advance(5)
    assert tracker.missing_since == clock.now() - 5
