"""What leaves, when, how often, and what comes of it: one table for both flavours."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.flavours import FLAVOURS, Rig
from tests.toy import ToyVenue, answer, get, page, toy
from unified_exchanges.clock import VirtualClock
from unified_exchanges.drivers.aio import AsyncDriver
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    ExchangeNotAvailable,
    NetworkError,
    RateLimitExceeded,
    RequestTimeout,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.flow import Request, Response, Sleep, advance, collect, limited
from unified_exchanges.policy import RetryPolicy
from unified_exchanges.settings import Settings
from unified_exchanges.testing.scripted import AsyncScriptedTransport
from unified_exchanges.venue.sending import Call

OK = answer({})
BUSY = answer({}, 503)
TOO_FAST = answer({}, 429)


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_good_answer_is_returned_at_once(flavour: str) -> None:
    rig = Rig(flavour, [OK], VirtualClock())
    assert rig.run(toy().send(get("/x"))) == OK
    assert rig.sleeps == []


@pytest.mark.parametrize("trouble", [BUSY, TOO_FAST, ConnectionLost("reset")])
def test_a_read_survives_trouble(
    flavour: str, trouble: Response | NetworkError
) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [trouble, trouble, OK], clock)
    assert rig.run(toy(clock).send(get("/x"))) == OK


def test_each_attempt_is_signed_anew(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [BUSY, BUSY, OK], clock)
    rig.run(toy(clock).send(get("/x")))
    assert len({r.headers["x-stamp"] for r in rig.requests}) == 3


def test_p05_a_write_is_sent_once_whatever_happens(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [ConnectionLost("reset")], clock)
    with pytest.raises(ConnectionLost) as caught:
        rig.run(toy(clock).send(get("/x", repeatable=False)))
    assert len(rig.requests) == 1
    assert caught.value.maybe_executed


def test_a_post_that_only_asks_is_in_no_doubt(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [BUSY, answer({}, 400)], clock)
    call = attrs.evolve(get("/x"), method="POST", reads=True, body=b"[]")
    with pytest.raises(BadRequest) as caught:
        rig.run(toy(clock).send(call))
    assert not caught.value.maybe_executed
    assert all(request.is_read for request in rig.requests)
    assert toy().family(call) == "reads"


def test_fault_01_a_write_that_never_left_is_sent_again(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [ConnectionLost("refused", sent=False), OK], clock)
    assert rig.run(toy(clock).send(get("/x", repeatable=False))) == OK


def test_p17_one_call_makes_as_many_requests_as_its_policy_allows(flavour: str) -> None:
    clock = VirtualClock()
    policy = RetryPolicy(attempts=3, deadline=1e6)
    rig = Rig(flavour, [TOO_FAST] * 3, clock)
    with pytest.raises(RateLimitExceeded):
        rig.run(toy(clock, retry=policy).send(get("/x")))
    assert len(rig.requests) == 3


def test_retries_end_with_the_deadline(flavour: str) -> None:
    clock = VirtualClock()
    policy = RetryPolicy(attempts=1000, deadline=20.0)
    rig = Rig(flavour, [BUSY] * 1000, clock)
    with pytest.raises(ExchangeNotAvailable):
        rig.run(toy(clock, retry=policy).send(get("/x")))
    assert clock.monotonic() <= 20.0


def test_an_attempt_gets_no_more_time_than_is_left(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [OK], clock)
    rig.run(toy(clock, timeout=10.0).send(get("/x", deadline=2.5)))
    assert rig.requests[0].timeout == 2.5


def test_an_error_names_the_call_and_the_venue(flavour: str) -> None:
    rig = Rig(flavour, [ConnectionLost("reset by peer")], VirtualClock())
    with pytest.raises(
        ConnectionLost, match="toy: reading /x: reset by peer"
    ) as caught:
        rig.run(toy().send(get("/x", repeatable=False)))
    assert (caught.value.venue, caught.value.request) == ("toy", "GET /x")


def test_a_bad_request_is_not_repeated(flavour: str) -> None:
    rig = Rig(flavour, [answer({}, 400)], VirtualClock())
    with pytest.raises(BadRequest):
        rig.run(toy().send(get("/x")))
    assert len(rig.requests) == 1


def test_an_order_gets_half_of_its_time_for_one_try(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [OK], clock)
    rig.run(toy(clock, timeout=10.0).send(get("/x", deadline=10.0, is_order=True)))
    assert rig.requests[0].timeout == 5.0


def test_fault_06_nothing_is_sent_after_its_deadline(flavour: str) -> None:
    clock = VirtualClock()
    clock.advance(10.0)
    rig = Rig(flavour, [], clock)
    with pytest.raises(RequestTimeout, match="not sent") as caught:
        rig.run(toy(clock).send(get("/x", deadline=9.9)))
    assert (caught.value.sent, rig.requests) == (False, [])


def test_fault_06_an_order_that_was_held_up_beyond_its_deadline_does_not_leave(
    flavour: str,
) -> None:
    clock = VirtualClock()

    def held_up(request: Request) -> Response:
        clock.advance(60.0)
        assert request.check is not None
        request.check()
        return OK

    rig = Rig(flavour, [held_up], clock)
    call = attrs.evolve(get("/x", deadline=10.0), opens=True, repeatable=False)
    with pytest.raises(RequestTimeout, match="reading /x: not sent") as caught:
        rig.run(toy(clock).send(call))
    assert not caught.value.sent
    assert not caught.value.maybe_executed


def test_fault_44_pages_read_ahead_do_not_move_the_clock(flavour: str) -> None:
    clock = VirtualClock()
    stamp = format_datetime(datetime.fromtimestamp(clock.now(), UTC), usegmt=True)

    def slow(request: Request) -> Response:
        found = serve_pages(request)
        return Response(200, {"date": stamp}, found.body)

    venue = toy(clock)
    rig = Rig(flavour, [slow] * 3, clock)
    for _ in rig.listed(venue.items(ahead=True)):
        clock.advance(5.0)
    assert venue.offset.seconds == 0.0


@pytest.mark.parametrize(
    "header", [{"age": "13"}, {"cache-control": "public, max-age=15"}]
)
def test_fault_44_an_answer_out_of_a_cache_does_not_move_the_clock(
    flavour: str, header: dict[str, str]
) -> None:
    clock = VirtualClock()
    past = format_datetime(datetime.fromtimestamp(clock.now() - 13, UTC), usegmt=True)
    venue = toy(clock)
    rig = Rig(flavour, [Response(200, {"date": past, **header}, b"{}")], clock)
    rig.run(venue.send(get("/x")))
    assert venue.offset.milliseconds is None


@pytest.mark.parametrize("step", [-3_600.0, -2.0, 2.0, 3_600.0])
def test_fault_44_a_clock_that_is_set_during_a_request_does_not_spoil_the_offset(
    flavour: str, step: float
) -> None:
    clock = VirtualClock()
    start = clock.now()

    def respond(request: Request) -> Response:
        if request.url.endswith("/set"):
            clock.step(step)
        at = datetime.fromtimestamp(start + clock.monotonic(), UTC)
        clock.advance(0.1)
        return Response(200, {"date": format_datetime(at, usegmt=True)}, b"{}")

    venue = toy(clock)
    rig = Rig(flavour, [respond] * 2, clock)
    for path in ("/x", "/set"):
        clock.advance(1.0)
        rig.run(venue.send(get(path)))
    told = clock.now() + venue.offset.seconds
    assert told == pytest.approx(start + clock.monotonic(), abs=1.0)


# -- limits ----------------------------------------------------------------------------


def test_calls_wait_for_their_turn(flavour: str) -> None:
    clock = VirtualClock()
    venue = toy(clock)
    rig = Rig(flavour, [OK] * 12, clock)
    for _ in range(12):
        rig.run(venue.send(get("/x")))
    assert rig.sleeps == pytest.approx([1.0, 1.0])


def test_fault_43_a_call_that_cannot_meet_its_deadline_is_not_sent(
    flavour: str,
) -> None:
    clock = VirtualClock()
    venue = toy(clock)
    rig = Rig(flavour, [OK] * 10, clock)
    for _ in range(10):
        rig.run(venue.send(get("/x")))
    with pytest.raises(RateLimitExceeded, match="not sent") as caught:
        rig.run(venue.send(get("/x", deadline=clock.monotonic() + 0.5)))
    assert len(rig.requests) == 10
    assert caught.value.retry_after == pytest.approx(1.0)


def test_fault_43_a_turn_that_leaves_no_time_to_send_is_refused_at_once(
    flavour: str,
) -> None:
    clock = VirtualClock()
    venue = toy(clock)
    rig = Rig(flavour, [OK] * 10, clock)
    for _ in range(10):
        rig.run(venue.send(get("/x")))
    with pytest.raises(RateLimitExceeded, match="not sent"):
        rig.run(venue.send(get("/x", deadline=clock.monotonic() + 1.02)))
    assert rig.sleeps == []


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (answer({}, 400), BadRequest),
        (TOO_FAST, RateLimitExceeded),
        (ConnectionLost("refused", sent=False), ConnectionLost),
    ],
)
def test_fault_19_one_lost_answer_leaves_a_write_in_doubt_whatever_came_later(
    flavour: str, last: Response | NetworkError, kind: type[UnifiedExchangesError]
) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [ConnectionLost("reset"), *[last] * 4], clock)
    with pytest.raises(kind) as caught:
        rig.run(toy(clock).send(Call(method="DELETE", path="/x", about="cancel")))
    assert caught.value.maybe_executed
    assert getattr(caught.value, "sent", True)


def test_a_read_leaves_nothing_in_doubt(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [ConnectionLost("reset"), answer({}, 400)], clock)
    with pytest.raises(BadRequest) as caught:
        rig.run(toy(clock).send(get("/x")))
    assert not caught.value.maybe_executed


def test_fault_43_one_refusal_pauses_fifty_callers() -> None:
    clock = VirtualClock()
    venue = toy(clock, retry=RetryPolicy(attempts=8, deadline=1e6))
    refused_at: list[float] = []
    sent: list[float] = []

    def serve(request: Request) -> Response:
        sent.append(clock.monotonic())
        if len(sent) == 1:
            refused_at.append(clock.monotonic())
            return TOO_FAST
        return OK

    transport = AsyncScriptedTransport([serve] * 100, clock=clock)

    async def burst() -> list[Response]:
        driver = AsyncDriver(transport)
        calls = [driver.run(venue.send(get("/x"))) for _ in range(50)]
        return await asyncio.gather(*calls)

    assert asyncio.run(burst()) == [OK] * 50
    assert len(sent) == 51
    # What had its turn already may have left with the refused one; nothing else did.
    paused = [at for at in sent if refused_at[0] < at < refused_at[0] + 1.0]
    assert paused == []


class Timeline:
    """A transport whose sleepers wake up in the order of a clock they share."""

    def __init__(self, clock: VirtualClock, script: list[Response]) -> None:
        self.clock = clock
        self.answers = iter(script)
        self.sent: list[tuple[float, str]] = []
        self.sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    async def send(self, request: Request) -> Response:
        self.sent.append((self.clock.monotonic(), request.url.rpartition("/")[2]))
        return next(self.answers, OK)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        moment = self.clock.monotonic() + seconds
        self.sleepers.append((moment, len(self.sent) + len(self.sleepers), woken))
        await woken

    async def close(self) -> None:
        assert self.sleepers == []

    async def live(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        while self.sleepers:
            first = min(self.sleepers, key=lambda sleeper: sleeper[:2])
            self.sleepers.remove(first)
            self.clock.advance(max(0.0, first[0] - self.clock.monotonic()))
            first[2].set_result(None)
            for _ in range(20):
                await asyncio.sleep(0)


def crowd(
    venue: ToyVenue, clock: VirtualClock, calls: list[Call], script: list[Response]
) -> list[tuple[float, str]]:
    """Send the calls side by side; when each request left, and for what."""

    async def burst() -> list[tuple[float, str]]:
        timeline = Timeline(clock, script)
        driver = AsyncDriver(timeline)
        await asyncio.gather(
            *(driver.run(venue.send(call)) for call in calls), timeline.live()
        )
        await driver.close()
        return timeline.sent

    return asyncio.run(burst())


def test_fault_43_after_a_pause_callers_leave_at_the_bucket_s_rate() -> None:
    clock = VirtualClock()
    venue = toy(clock, retry=RetryPolicy(attempts=8, deadline=1e6))
    calls = [get(f"/{n}", deadline=1e6) for n in range(40)]
    sent = crowd(venue, clock, calls, [TOO_FAST])
    # Ten had left already, the venue's bucket was empty then and earns one a second.
    later = sorted(at for at, _ in sent[10:])
    assert all(at >= n + 1 - 1e-6 for n, at in enumerate(later))


def test_fault_43_a_refused_call_takes_from_none_of_its_buckets() -> None:
    clock = VirtualClock()
    venue = toy(clock)
    venue.bucket("slow").pause(0.0, 100.0)
    call = get("/x", charges=(("read", 10), ("slow", 10)), deadline=5.0)
    for _ in range(9):
        with pytest.raises(RateLimitExceeded, match="not sent"):
            Rig("blocking", [], clock).run(venue.send(call))
    assert venue.bucket("read").fill(0.0) == 1.0


def test_fault_43_a_call_on_two_buckets_leaves_both_at_one_time() -> None:
    clock = VirtualClock()
    venue = toy(clock)
    venue.bucket("slow").pause(0.0, 5.0)
    rig = Rig("blocking", [OK], clock)
    rig.run(venue.send(get("/x", charges=(("read", 100), ("slow", 10)))))
    assert rig.sleeps == [5.0]
    assert venue.bucket("read").fill(clock.monotonic()) == 0.0


def test_fault_43_cancels_go_before_the_calls_that_wait() -> None:
    clock = VirtualClock()
    venue = toy(clock)
    calls = [get(f"/{n}", deadline=1e6) for n in range(30)]
    urgent = get("/cancel", urgent=True, deadline=5.0, charges=(("read", 40),))
    sent = crowd(venue, clock, [*calls, urgent], [])
    assert [name for _, name in sent[:11]] == [*map(str, range(10)), "cancel"]
    assert sent[10][0] == pytest.approx(4.0)
    assert sorted(name for _, name in sent) == sorted([*map(str, range(30)), "cancel"])
    moments = [at for at, name in sent[11:]]
    assert all(at >= 5 + n - 1e-6 for n, at in enumerate(moments))


def test_without_limits_nothing_waits(flavour: str) -> None:
    clock = VirtualClock()
    venue = toy(clock, limited=False)
    rig = Rig(flavour, [OK] * 30, clock)
    for _ in range(30):
        rig.run(venue.send(get("/x")))
    assert rig.sleeps == []


# -- pages -----------------------------------------------------------------------------

CURSORS = {"": "a", "a": "b", "b": ""}


def serve_pages(request: Request) -> Response:
    cursor = dict(request.query)["cursor"]
    return page([f"{cursor}{n}" for n in range(3)], CURSORS[cursor])


@pytest.mark.parametrize("ahead", [False, True])
def test_p09_a_listing_is_followed_to_its_end(flavour: str, *, ahead: bool) -> None:
    rig = Rig(flavour, [serve_pages] * 3, VirtualClock())
    found = rig.listed(toy().items(ahead=ahead))
    assert found == ["0", "1", "2", "a0", "a1", "a2", "b0", "b1", "b2"]


def test_a_place_in_the_limiter_is_given_back_once() -> None:
    clock = VirtualClock()
    clock.advance(5.0)
    venue = toy(clock)
    bucket, now = venue.bucket("read"), clock.monotonic()
    bucket.pause(now, 5.0)
    # Two leave when it is over, and there are fifty tokens then.
    flows = [venue.send(get("/x")) for _ in range(2)]
    first, _ = [advance(flow, None) for flow in flows]
    assert isinstance(first, Sleep)
    flows[0].close()
    assert first.give_back is not None
    first.give_back()
    assert bucket.turn(now, 40) == now + 5
    assert bucket.turn(now, 41) > now + 5


@pytest.mark.parametrize("ahead", [False, True])
def test_each_page_takes_its_place_in_the_limiter_once(
    flavour: str, *, ahead: bool
) -> None:
    clock = VirtualClock()
    clock.advance(5.0)
    venue = toy(clock)
    rig = Rig(flavour, [serve_pages] * 3, clock)
    rig.listed(venue.items(ahead=ahead))
    bucket = venue.bucket("read")
    used = bucket.capacity * (1 - bucket.fill(clock.monotonic()))
    assert round(used, 6) == 30  # ten each


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9, 50])
def test_a_limit_is_kept_to_the_item(flavour: str, limit: int) -> None:
    rig = Rig(flavour, [serve_pages] * 3, VirtualClock())
    found = rig.run(collect(toy().items(), limit))
    assert len(found) == min(limit, 9)


@pytest.mark.parametrize("limit", [1, 3, 4, 50])
def test_a_lazy_listing_keeps_its_limit_too(flavour: str, limit: int) -> None:
    rig = Rig(flavour, [serve_pages] * 3, VirtualClock())
    assert len(rig.listed(limited(toy().items(), limit))) == min(limit, 9)


def test_a_lazy_listing_asks_only_for_what_is_used(flavour: str) -> None:
    rig = Rig(flavour, [serve_pages] * 3, VirtualClock())
    assert rig.listed(toy().items(), take=2) == ["0", "1"]
    assert len(rig.requests) == 1


def test_fault_26_an_item_on_two_pages_comes_once(flavour: str) -> None:
    rig = Rig(flavour, [page(["x", "y"], "c"), page(["y", "z"])], VirtualClock())
    assert rig.listed(toy().items()) == ["x", "y", "z"]


@pytest.mark.parametrize("ahead", [False, True])
def test_fault_26_a_cursor_that_comes_back_is_an_error(
    flavour: str, *, ahead: bool
) -> None:
    pages = [page(["x"], "c"), page(["y"], "c"), page(["z"], "c")]
    rig = Rig(flavour, pages, VirtualClock())
    with pytest.raises(VenueSchemaError, match="does not end"):
        rig.run(collect(toy().items(ahead=ahead)))


def test_fault_26_pages_without_end_are_an_error(flavour: str) -> None:
    count = iter(range(10_000))

    def endless(request: Request) -> Response:
        return page(["x"], f"c{next(count)}")

    clock = VirtualClock()
    rig = Rig(flavour, [endless] * 100, clock)
    with pytest.raises(VenueSchemaError, match="does not end"):
        rig.run(collect(toy(clock).items()))


@pytest.mark.parametrize("ahead", [False, True])
def test_fault_26_a_page_that_fails_fails_the_listing(
    flavour: str, *, ahead: bool
) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [page(["x"], "c"), *[BUSY] * 9], clock)
    with pytest.raises(ExchangeNotAvailable):
        rig.run(collect(toy(clock).items(ahead=ahead)))


@pytest.mark.parametrize("ahead", [False, True])
def test_a_page_that_recovers_is_used(flavour: str, *, ahead: bool) -> None:
    clock = VirtualClock()
    script = [page(["x"], "c"), ConnectionLost("reset"), page(["y"])]
    rig = Rig(flavour, script, clock)
    assert rig.run(collect(toy(clock).items(ahead=ahead))) == ["x", "y"]


def test_reading_ahead_does_not_overdraw_the_limiter(flavour: str) -> None:
    clock = VirtualClock()
    pages = [page([str(n)], f"c{n}") for n in range(14)] + [page(["end"])]
    rig = Rig(flavour, pages, clock)
    assert len(rig.run(collect(toy(clock).items(ahead=True)))) == 15
    assert clock.monotonic() == pytest.approx(5.0, abs=0.01)


def test_a_listing_left_early_leaves_no_task_behind(
    recwarn: pytest.WarningsRecorder,
) -> None:
    rig = Rig("async", [serve_pages] * 3, VirtualClock())
    assert rig.listed(toy().items(ahead=True), take=1) == ["0"]
    assert [str(w.message) for w in recwarn] == []


@given(st.data())
def test_any_split_into_pages_gives_the_same_list(data: st.DataObject) -> None:
    items = [str(n) for n in range(data.draw(st.integers(0, 30)))]
    cuts = data.draw(st.lists(st.integers(0, len(items)), max_size=8).map(sorted))
    edges = [0, *cuts, len(items)]
    parts = [items[a:b] for a, b in itertools.pairwise(edges)]
    # A page may repeat what the one before it ended with: data moves under a cursor.
    parts = [
        [*data.draw(st.sampled_from([[], parts[n - 1][-2:]])), *part] if n else part
        for n, part in enumerate(parts)
    ]
    pages = [
        page(part, f"c{n}" if n + 1 < len(parts) else "")
        for n, part in enumerate(parts)
    ]
    rig = Rig("blocking", pages, VirtualClock())
    ahead = data.draw(st.booleans())
    assert rig.run(collect(toy(limited=False).items(ahead=ahead))) == items


@pytest.mark.parametrize("name", ["secret", "private_key", "password"])
def test_a_key_that_the_venue_does_not_take_is_refused_and_not_shown(name: str) -> None:
    given: Any = {name: "canary-of-a-key"}
    with pytest.raises(
        BadRequest, match=f"Toy has no {name}: it takes api_key"
    ) as caught:
        ToyVenue(Settings(environment="demo", **given))
    assert "canary" not in str(caught.value)
