"""Counters of a stream, and the freshness of its books."""

from __future__ import annotations

from unified_exchanges.streams.freshness import Life
from unified_exchanges.streams.health import Counters

ODD = ValueError("`price` is missing")


def test_the_log_hears_of_ever_fewer_of_the_same() -> None:
    counters = Counters()
    told = [n for n in range(1, 20) if counters.note_malformed("trade", ODD)]
    assert told == [1, 2, 4, 8, 16]
    assert counters.malformed == {"trade": 19}


def test_the_newest_frame_that_was_passed_over_is_told_with_its_reason() -> None:
    counters = Counters()
    counters.note_malformed("trade", ODD)
    assert counters.last_error == (
        "a frame of type trade could not be read and was passed over, 1 by now: "
        "`price` is missing"
    )
    counters.note_malformed("", ValueError("no JSON"))
    assert counters.last_error == (
        "a frame could not be read and was passed over, 2 by now: no JSON"
    )


def test_a_flood_of_unknown_types_is_counted_in_bounded_memory() -> None:
    counters = Counters()
    for number in range(1_000):
        counters.note_unknown(f"type-{number}")
    assert len(counters.unknown) == 201
    assert sum(counters.unknown.values()) == 1_000


def test_names_of_fields_are_told_once_and_bounded() -> None:
    counters = Counters()
    assert counters.note_fields(["a", "b"]) == {"a", "b"}
    assert counters.note_fields(["b", "c"]) == {"c"}
    assert counters.note_fields(map(str, range(500))) == set()
    assert counters.unknown_fields == {"a", "b", "c"}


def test_one_message_in_256_is_looked_at() -> None:
    assert [n for n in range(1, 600) if Counters.is_sample(n)] == [256, 512]


class Ear:
    heard_at = 10.0
    now = 10.0
    is_silent = False


def test_a_book_ages_while_nothing_is_heard_and_is_stale_once_doubted() -> None:
    ear = Ear()
    life = Life(ear)
    ear.now = 13.0
    assert (life.is_stale(), life.age()) == (False, 3.0)
    ear.heard_at = 13.0
    assert life.age() == 0.0
    life.end()
    ear.now = ear.heard_at = 20.0
    life.end()
    assert (life.is_stale(), life.age()) == (True, 7.0)


def test_p10_a_book_is_stale_while_nothing_was_heard_for_too_long() -> None:
    ear = Ear()
    life = Life(ear)
    ear.now, ear.is_silent = 40.0, True
    assert (life.is_stale(), life.age()) == (True, 30.0)
