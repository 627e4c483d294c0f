"""What was dropped without being closed is closed, by whoever may do that."""

from __future__ import annotations

import gc
import os
import threading

import pytest

from unified_exchanges.drivers.dropped import close_when_dropped


class Owner:
    """Somebody with threads."""

    itself: Owner


def test_what_is_dropped_is_closed_in_another_thread() -> None:
    closed: list[threading.Thread] = []
    done = threading.Event()

    def close() -> None:
        closed.append(threading.current_thread())
        done.set()

    owner = Owner()
    close_when_dropped(owner, close)
    assert closed == []
    del owner
    assert done.wait(5)
    assert closed != [threading.current_thread()]


def test_what_is_dropped_by_the_collector_under_a_lock_is_closed_after_it() -> None:
    lock, done = threading.Lock(), threading.Event()

    def close() -> None:
        with lock:
            done.set()

    owner = Owner()
    owner.itself = owner
    close_when_dropped(owner, close)
    with lock:
        del owner
        gc.collect()
        assert not done.is_set()
    assert done.wait(5)


def test_what_was_called_off_is_not_closed() -> None:
    closed = threading.Event()
    owner = Owner()
    call_off = close_when_dropped(owner, closed.set)
    call_off()
    call_off()
    del owner
    assert not closed.wait(0.05)


def test_a_child_process_does_not_close_what_is_its_parents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = threading.Event()
    owner = Owner()
    close_when_dropped(owner, closed.set)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        del owner
    assert not closed.wait(0.05)
