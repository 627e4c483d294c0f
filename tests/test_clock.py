"""Clocks and the venue's offset."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unified_exchanges.clock import (
    ClockOffset,
    SystemClock,
    VirtualClock,
    microseconds,
)


def test_the_times_of_a_virtual_clock_do_not_drift_apart() -> None:
    clock = VirtualClock()
    start = clock.now()
    for _ in range(1_000):
        clock.advance(0.05)
    # As exact as a float of this size can be; a second total would be off by 50 times.
    assert abs(clock.now() - start - clock.monotonic()) < 5e-7


@given(st.floats(-1e9, 4e9))
@example(1_795_200_000.0000012)
def test_microseconds_are_those_that_a_datetime_has(seconds: float) -> None:
    start = datetime.fromtimestamp(0, UTC)
    exact = (datetime.fromtimestamp(seconds, UTC) - start) / timedelta(microseconds=1)
    assert microseconds(seconds) == exact


def test_p20_threads_that_move_a_virtual_clock_lose_no_time() -> None:
    clock = VirtualClock()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: clock.advance(1.0), range(10_000)))
    assert clock.monotonic() == 10_000.0


def date_at(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC), usegmt=True)


@given(
    st.floats(-20, 20),
    st.lists(
        st.tuples(st.floats(0.001, 3), st.floats(0.001, 1.5)), min_size=1, max_size=40
    ),
)
def test_fault_44_the_offset_is_never_further_off_than_the_answers_allow(
    true: float, answers: list[tuple[float, float]]
) -> None:
    clock = VirtualClock()
    offset = ClockOffset(clock)
    slack = []
    for gap, trip in answers:
        clock.advance(gap)
        sent = clock.now()
        clock.advance(trip)
        stamp = sent + trip / 2 + true
        offset.observe(date_at(stamp), sent, clock.now())
        slack.append(trip + 1.0)
    # Zero is kept where it explains all answers; otherwise a bound of the true offset.
    assert abs(offset.seconds - true) <= max(slack)
    assert abs(offset.seconds) <= abs(true) + 1e-6
    showed = clock.now() + true
    assert offset.earliest(clock.monotonic()) <= showed + 1e-6


def test_fault_44_a_clock_ten_seconds_off_is_found_to_a_second() -> None:
    offset = ClockOffset(VirtualClock())
    offset.observe(date_at(1_010), 1_000.0, 1_000.1)
    assert offset.seconds == pytest.approx(10.0, abs=1.0)


def test_fault_44_a_clock_that_is_set_during_the_run_is_measured_anew() -> None:
    offset = ClockOffset(VirtualClock())
    offset.observe(date_at(1_000), 1_000.0, 1_000.1)
    offset.observe(date_at(1_040), 1_010.0, 1_010.1)
    assert offset.seconds == pytest.approx(30.0, abs=1.0)


@pytest.mark.parametrize("step", [-3_600.0, -0.7, 0.7, 3_600.0])
def test_fault_44_our_clock_that_is_set_needs_no_measuring(step: float) -> None:
    clock = VirtualClock()
    offset = ClockOffset(clock)
    now = clock.now()
    offset.observe(date_at(now + 30), now, now)
    clock.step(step)
    assert offset.earliest(clock.monotonic()) == pytest.approx(now + 30)
    assert offset.seconds == pytest.approx(30 - step, abs=1.0)


def test_what_the_venues_clock_surely_showed_is_by_its_answers_and_not_by_ours() -> (
    None
):
    clock = VirtualClock(1_000.0)
    offset = ClockOffset(clock)
    assert offset.earliest(clock.monotonic()) == float("-inf")
    clock.advance(0.4)
    offset.observe(date_at(1_000), 1_000.2, 1_000.4)
    clock.step(7)
    # It was 1000 or later 0.4 seconds after our clocks began, and time has passed since.
    assert offset.earliest(clock.monotonic() + 5) == pytest.approx(1_005)
    assert offset.earliest(0.0) == pytest.approx(999.6)


class BusyClock(VirtualClock):
    """Whoever looks at the time waits for the processor then."""

    wait = 0.0

    def now(self) -> float:
        found = super().now()
        self.advance(self.wait)
        return found


def test_fault_44_a_wait_for_the_processor_between_two_clocks_is_known() -> None:
    clock = BusyClock()
    clock.advance(0.9)
    offset, now = ClockOffset(clock), clock.now()
    clock.wait = 0.5
    offset.observe(date_at(now), now, now)
    clock.wait = 0.0
    at, shown = clock.monotonic(), clock.now()
    assert offset.earliest(at) <= shown <= offset.latest(at)


def test_an_offset_is_unknown_before_the_first_answer() -> None:
    assert ClockOffset(VirtualClock()).milliseconds is None


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_without_a_readable_date_changes_nothing(date: str | None) -> None:
    offset = ClockOffset(VirtualClock())
    offset.observe(date, 1_000.0, 1_000.1)
    assert offset.milliseconds is None


def test_a_virtual_clock_moves_only_when_told() -> None:
    clock = VirtualClock(100.0)
    clock.advance(5.0)
    assert (clock.now(), clock.monotonic()) == (105.0, 5.0)


def test_setting_a_clock_is_not_the_passing_of_time() -> None:
    clock = VirtualClock(100.0)
    clock.step(-30.0)
    assert (clock.now(), clock.monotonic()) == (70.0, 0.0)


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        VirtualClock().advance(-1)


def test_the_system_clock_is_the_machine_s() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    assert datetime.fromtimestamp(clock.now(), UTC).year >= 2025
    assert clock.monotonic() >= before
