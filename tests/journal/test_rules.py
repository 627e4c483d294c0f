"""What a journal keeps, the same in memory and in a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import BadRequest
from unified_exchanges.journal import Journal, MemoryJournal, journal_at
from unified_exchanges.journal import memory as memory_module
from unified_exchanges.journal.sqlite import SqliteJournal
from unified_exchanges.models import Account, IntentState, ReconcileReport

from .samples import ACCOUNT, START, ended, intent


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made = journal_at(tmp_path / "orders.db" if request.param == "sqlite" else None)
    yield made
    made.close()
    made.close()


def states(journal: Journal) -> list[tuple[str, str]]:
    return [(x.client_order_id, str(x.state)) for x in journal.recall(ACCOUNT)]


def test_nothing_is_unresolved_at_first(journal: Journal) -> None:
    assert journal.recall(ACCOUNT) == ()


def test_an_intent_is_told_as_it_was_written(journal: Journal) -> None:
    written = intent()
    journal.note([written])
    assert journal.recall(ACCOUNT) == (written,)


def test_an_intent_tells_whose_clock_it_was_written_by(journal: Journal) -> None:
    written = [intent("a", is_venue_time=True), intent("b", 1)]
    journal.note(written)
    assert [x.is_venue_time for x in journal.recall(ACCOUNT)] == [True, False]


def test_an_intent_without_words_or_expiry_is_told_so(journal: Journal) -> None:
    written = intent(expires_at=None, params={})
    journal.note([written])
    assert journal.recall(ACCOUNT) == (written,)


def test_unresolved_intents_come_oldest_first(journal: Journal) -> None:
    journal.note([intent("b", 2), intent("a", 1), intent("c", 1)])
    assert [key for key, _ in states(journal)] == ["a", "c", "b"]


def test_fault_12_a_refusal_tells_nothing_of_an_earlier_sending(
    journal: Journal,
) -> None:
    journal.note([intent()])
    again = intent(at=1, arrives_by=START)
    journal.note([again])
    journal.note([ended(again, "refused")])
    assert states(journal) == [("one", "unknown")]
    # It was written before, and lasts no longer from now on than it did then.
    assert journal.recall(ACCOUNT)[0].arrives_by == START + timedelta(seconds=16)
    journal.note([ended(again, "absent")])
    assert states(journal) == []


def test_an_account_is_told_its_own_only(journal: Journal) -> None:
    others = [
        attrs.evolve(ACCOUNT, **{name: "other"})
        for name in ("venue", "environment", "fingerprint")
    ]
    journal.note([intent(account=x) for x in others])
    assert journal.recall(ACCOUNT) == ()
    assert [len(journal.recall(x)) for x in others] == [1, 1, 1]


@pytest.mark.parametrize("state", ["placed", "refused", "absent"])
def test_an_intent_that_ended_is_not_unresolved(journal: Journal, state: str) -> None:
    journal.note([intent()])
    journal.note([ended(intent(), state)])
    assert journal.recall(ACCOUNT) == ()


def test_an_unknown_intent_stays_unresolved_and_says_why(journal: Journal) -> None:
    journal.note([intent()])
    unknown = ended(intent(), "unknown", detail="the answer was lost")
    journal.note([unknown])
    assert journal.recall(ACCOUNT) == (unknown,)


def test_an_end_of_what_was_never_written_is_none(journal: Journal) -> None:
    journal.note([ended(intent(), "unknown")])
    assert journal.recall(ACCOUNT) == ()


def test_an_id_that_is_an_order_stays_one(journal: Journal) -> None:
    journal.note([intent()])
    journal.note([ended(intent(), "placed", order_id="o1")])
    journal.note([intent(at=5)])
    journal.note([ended(intent(at=5), "unknown")])
    assert journal.recall(ACCOUNT) == ()


@pytest.mark.parametrize("state", ["refused", "absent", "unknown"])
def test_an_id_without_an_order_may_be_tried_again(
    journal: Journal, state: str
) -> None:
    journal.note([intent()])
    journal.note([ended(intent(), state)])
    journal.note([intent(at=5)])
    [found] = journal.recall(ACCOUNT)
    assert attrs.evolve(found, detail="") == intent(at=5)


def test_fault_13_who_begins_is_told_what_may_be_an_order(journal: Journal) -> None:
    assert journal.note([intent()]) == ()
    assert journal.note([intent(at=1), intent("new")]) == (intent(),)
    placed = ended(intent(at=1), "placed", order_id="o1")
    assert journal.note([placed]) == ()
    assert journal.note([intent(at=2)]) == (placed,)
    assert journal.find(ACCOUNT, "one") == placed


@pytest.mark.parametrize("state", ["refused", "absent"])
def test_fault_13_who_begins_is_not_told_of_what_is_no_order(
    journal: Journal, state: str
) -> None:
    journal.note([intent()])
    journal.note([ended(intent(), state)])
    assert journal.note([intent(at=1)]) == ()


@pytest.mark.parametrize("state", ["pending", "unknown"])
def test_fault_07_what_may_be_an_order_keeps_its_terms(
    journal: Journal, state: str
) -> None:
    first = intent()
    journal.note([first])
    journal.note([ended(first, state)])
    (before,) = journal.note([intent(size=Decimal(6))])
    assert before.size == first.size
    assert journal.recall(ACCOUNT) == (before,)
    again = attrs.evolve(first, written_at=first.written_at + timedelta(seconds=1))
    assert journal.note([again]) == (before,)
    (kept,) = journal.recall(ACCOUNT)
    assert kept.written_at == again.written_at


def test_fault_03_a_refusal_of_the_next_leaves_the_hash_of_what_may_be_there(
    journal: Journal,
) -> None:
    first = intent(order_id="0xaa", params={"salt": 1, "timestamp": 2})
    journal.note([first])
    journal.note([ended(first, "unknown")])
    # The same order, drawn anew by who did not know of the first.
    again = intent(at=1, order_id="0xbb", params={"salt": 3, "timestamp": 4})
    (before,) = journal.note([again])
    assert before.order_id == "0xaa"
    journal.note([ended(again, "refused")])
    (left,) = journal.recall(ACCOUNT)
    assert (str(left.state), left.order_id) == ("unknown", "0xaa")
    assert left.params == first.params


def test_an_id_that_was_never_written_is_not_found(journal: Journal) -> None:
    assert journal.find(ACCOUNT, "one") is None
    journal.note([intent()])
    other = attrs.evolve(ACCOUNT, fingerprint="other")
    assert [journal.find(x, "one") for x in (ACCOUNT, other)] == [intent(), None]
    assert journal.find(ACCOUNT, "two") is None


def test_fault_13_the_end_of_one_writing_is_not_that_of_a_later_one(
    journal: Journal,
) -> None:
    journal.note([intent()])
    journal.note([intent(at=5)])
    journal.note([ended(intent(), "absent")])
    assert states(journal) == [("one", "pending")]


def test_fault_13_that_it_is_an_order_ends_every_writing(journal: Journal) -> None:
    journal.note([intent()])
    journal.note([intent(at=5)])
    journal.note([ended(intent(), "placed")])
    assert journal.recall(ACCOUNT) == ()


def test_what_ended_long_ago_is_forgotten_when_asked(journal: Journal) -> None:
    for key in ("old", "new", "open"):
        journal.note([intent(key, at=0 if key != "new" else 100)])
    journal.note([ended(intent("old"), "refused")])
    journal.note([ended(intent("new", 100), "placed")])
    assert journal.compact(START + timedelta(seconds=50)) == 1
    assert states(journal) == [("open", "pending")]
    assert journal.compact(START + timedelta(seconds=50)) == 0
    assert journal.compact(START + timedelta(seconds=500)) == 1


def test_memory_keeps_a_number_of_what_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "_MOST", 2)
    journal = MemoryJournal()
    for n in range(5):
        journal.note([intent(str(n))])
        journal.note([ended(intent(str(n)), "placed")])
    assert journal.compact(START + timedelta(days=1)) == 2


@pytest.mark.parametrize("path", ["", " ", ":memory:", b"orders.db", 7])
def test_a_journal_that_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(BadRequest, match="must be the path of a file"):
        journal_at(path)  # type: ignore[arg-type]


def test_what_was_written_and_what_became_of_it_are_told_in_words() -> None:
    one = intent()
    what = "buy 10.5 no of KXRAIN-26NOV21 at 0.295"
    assert (str(one), repr(one)) == (f"one ({what})", f"Intent(one: {what}, pending)")
    lost = ended(intent("two"), "unknown", detail="the listing failed")
    gone = ended(intent("three"), "absent", detail="looked for twice")
    report = ReconcileReport(absent=(gone,), unknown=(lost,))
    assert str(report) == (
        "reconciled: 0 found, 1 absent, 1 unknown\n"
        f"  absent: three ({what})\n"
        f"  may be there: two ({what}): the listing failed"
    )


def test_a_state_knows_whether_it_is_resolved() -> None:
    assert [str(x) for x in IntentState if not x.is_resolved] == ["pending", "unknown"]


# -- any sequence of outcomes ----------------------------------------------------------

NOTES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from([0, 0, 5, 9]),
            st.sampled_from(
                ["pending", "pending", "placed", "refused", "absent", "unknown"]
            ),
            st.sampled_from([ACCOUNT, ACCOUNT, Account("kalshi", "demo", "ffff")]),
        ),
        min_size=1,
        max_size=4,
    ),
    max_size=14,
)


@given(NOTES)
def test_any_sequence_of_outcomes_leaves_a_file_and_memory_alike(
    notes: list[list[tuple[str, int, str, Account]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = SqliteJournal(f"{folder}/orders.db")
        memory = MemoryJournal()
        placed: set[tuple[Account, str]] = set()
        for entries in notes:
            told = [
                ended(intent(key, at, account=account), state)
                for key, at, state, account in entries
            ]
            kept.note(told)
            memory.note(told)
            for key, at, state, account in entries:
                if state == "placed":
                    placed.add((account, key))
                if state == "pending" and (account, key) not in placed:
                    found = [x.client_order_id for x in memory.recall(account)]
                    # Unless a later entry of the same note has ended it.
                    later = entries[entries.index((key, at, state, account)) + 1 :]
                    assert key in found or any(x[0] == key for x in later)
            for account in {entry.account for entry in told}:
                unresolved = kept.recall(account)
                assert unresolved == memory.recall(account)
                assert {
                    (x.account, x.client_order_id) for x in unresolved
                } & placed == set()
        assert kept.compact(START + timedelta(days=1)) == memory.compact(
            START + timedelta(days=1)
        )
        kept.close()


# -- texts -----------------------------------------------------------------------------


def test_a_text_is_kept_only_over_the_one_that_was_read(journal: Journal) -> None:
    assert journal.load(ACCOUNT, "exit") is None
    assert journal.save(ACCOUNT, "exit", "one", None) == "one"
    # Two read the same, and one is faster.
    assert journal.save(ACCOUNT, "exit", "two", "one") == "two"
    assert journal.save(ACCOUNT, "exit", "late", "one") == "two"
    assert journal.save(ACCOUNT, "exit", "first", None) == "two"
    assert journal.load(ACCOUNT, "exit") == "two"
    assert journal.save(ACCOUNT, "other", "late", "one") is None
    assert journal.load(ACCOUNT, "other") is None
