"""Doing something in a real forked child, and hearing what came of it."""

from __future__ import annotations

import faulthandler
import logging
import os
import pickle
import select
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["forked", "in_child"]

_PATIENCE = 60
"""Seconds until a child that hangs is killed."""


def forked(act: Callable[[], Any]) -> Callable[[], Any]:
    """Begin in a child; gives what waits for its end and returns what it returned."""
    read, write = os.pipe()
    # Its thread stays behind, and a child that has one set would wait for that.
    faulthandler.cancel_dump_traceback_later()
    with warnings.catch_warnings():
        # That other threads stay behind is what the tests are about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_PATIENCE)
        # Where it hangs is seen among what the test has printed.
        faulthandler.dump_traceback_later(_PATIENCE / 2, file=sys.__stderr__)
        # pytest writes records to a file, and the lock of its buffer, which another thread
        # may have at the fork, is none that Python makes anew in a child.
        logging.disable()
        # Forked while another thread began to be traced, no thread could begin here.
        threading.settrace(None)  # type: ignore[arg-type]
        os.close(read)
        try:
            told = True, act()
        except BaseException:  # noqa: BLE001 - told to who started it
            told = False, traceback.format_exc()
        finally:
            os.write(write, pickle.dumps(told))
            os._exit(0)
    os.close(write)

    def wait() -> Any:
        with os.fdopen(read, "rb") as pipe:
            if not select.select([pipe], [], [], 2 * _PATIENCE)[0]:
                # It hangs where its alarm is not set yet.
                os.kill(child, signal.SIGKILL)
            heard = pipe.read()
        _, status = os.waitpid(child, 0)
        assert heard, f"the child was killed: {status}"
        is_well, result = pickle.loads(heard)
        assert is_well, result
        return result

    return wait


def in_child(act: Callable[[], Any]) -> Any:
    """Do it in a child and get what it returned."""
    return forked(act)()
