"""The live board in a real terminal: it follows its size and gives it back."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
from typing import Self

import pytest

from tests.unmeasured import unmeasured
from unified_exchanges.cli.practice import Practice

from .conftest import Command

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
OWN, SHELL = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """A terminal, and the command that draws on it."""

    def __init__(
        self, *words: str, env: dict[str, str], width: int = 80, height: int = 24
    ) -> None:
        self._master, slave = pty.openpty()
        self.resize(width, height)
        # It is killed, wherever it is by then.
        environ = unmeasured()
        unsized = {k: v for k, v in environ.items() if k not in {"COLUMNS", "LINES"}}
        self._running = subprocess.Popen(
            [sys.executable, "-m", "unified_exchanges.cli", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**unsized, "TERM": "xterm", **env},
        )
        os.close(slave)
        self.told = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.kill()
        self._running.wait()
        os.close(self._master)

    def resize(self, width: int, height: int) -> None:
        termios.tcsetwinsize(self._master, (height, width))

    def frame(self, width: int, height: int, *, having: str) -> list[str]:
        """Wait for a whole picture of that size with these words."""
        line = rf"[^\r\n\x1b]{{{width}}}"
        whole = re.compile(rf"\x1b\[H({line}(?:\r\n{line}){{{height - 1}}})")
        while True:
            plain = re.sub(r"\x1b\[[\d;]*m", "", self.told)
            found = [x for x in whole.findall(plain) if having in x]
            if found:
                return [part.rstrip() for part in found[-1].split("\r\n")]
            self._read()

    def until(self, words: str) -> None:
        while words not in self.told:
            self._read()

    def send(self, number: int) -> None:
        self._running.send_signal(number)

    def is_suspended(self) -> bool:
        """Wait until it stops or ends."""
        _, status = os.waitpid(self._running.pid, os.WUNTRACED)
        return os.WIFSTOPPED(status)

    def end(self) -> int:
        """Press Ctrl-C and read the rest."""
        self.send(signal.SIGINT)
        return self.rest()

    def rest(self) -> int:
        """Read until it ends by itself."""
        try:
            while True:
                self._read()
        except OSError:
            # The other side is closed.
            return self._running.wait()

    def _read(self) -> None:
        ready, _, _ = select.select([self._master], [], [], 30)
        assert ready, self.told
        self.told += os.read(self._master, 65536).decode(errors="replace")


@pytest.fixture
def names(look: Command) -> list[str]:
    found = look("markets", "--json", "--all").lines
    return [m["market_id"] for m in found if m["bid"] and "0.2" < m["bid"] < "0.8"]


def test_a_resized_terminal_is_followed(stand: Practice, names: list[str]) -> None:
    with Terminal("watch", *names[:3], env=stand.exports) as terminal:
        wide = terminal.frame(80, 24, having=" spread")
        terminal.resize(60, 15)
        narrow = terminal.frame(60, 15, having=names[2])
        terminal.resize(120, 40)
        large = terminal.frame(120, 40, having=" spread")
        code = terminal.end()
    assert wide[0].startswith(f"{names[0]} yes")
    assert [line.split()[0] for line in narrow[:4]] == ["market", *names[:3]]
    assert [line[0] for line in narrow if "●" in line] == ["●"]
    assert [name for name in names[:3] if name in large[0]] == names[:3]
    assert code == 0


def test_the_screen_of_the_shell_is_given_back_with_the_last_picture(
    stand: Practice, names: list[str]
) -> None:
    with Terminal("watch", names[0], env=stand.exports) as terminal:
        terminal.frame(80, 24, having=" spread")
        code = terminal.end()
    before, _, after = terminal.told.rpartition(SHELL)
    assert (before.count(OWN), before.count(HIDDEN), before.count(SHOWN)) == (1, 1, 1)
    left = re.sub(r"\x1b\[[\d;]*m", "", after).splitlines()
    assert (code, left[0].rstrip(), len(left)) == (0, f"{names[0]} yes", 23)
    assert (left[-2][0], left[-1][:10]) == ("●", "1 event  ●")


def test_ctrl_z_gives_the_screen_back_until_it_goes_on(
    stand: Practice, names: list[str]
) -> None:
    with Terminal("watch", names[0], env=stand.exports) as terminal:
        terminal.frame(80, 24, having=" spread")
        terminal.send(signal.SIGTSTP)
        terminal.until(SHELL)
        is_suspended = terminal.is_suspended()
        suspended, terminal.told = terminal.told, ""
        terminal.send(signal.SIGCONT)
        terminal.frame(80, 24, having=" spread")
        again = terminal.told
        code = terminal.end()
    assert is_suspended
    assert suspended.rindex(SHOWN) > suspended.rindex(HIDDEN)
    assert (OWN in again, code) == (True, 0)


def test_a_terminal_that_cannot_draw_gets_lines(
    stand: Practice, names: list[str]
) -> None:
    dumb = {**stand.exports, "TERM": "dumb"}
    with Terminal("watch", names[0], env=dumb) as terminal:
        terminal.until("\r\n")
        code = terminal.end()
    assert re.match(rf"{names[0]} yes  \S+ @ \S+ / \S+ @ \S+\r\n", terminal.told)
    assert ("\x1b" in terminal.told, code) == (False, 0)


def test_no_color_leaves_no_colour(stand: Practice, names: list[str]) -> None:
    plain = {**stand.exports, "NO_COLOR": "1"}
    with Terminal("watch", names[0], env=plain) as terminal:
        terminal.frame(80, 24, having=" spread")
        terminal.end()
    codes = set(re.findall(r"\x1b\[([\d;]*)m", terminal.told))
    # Bold, dim and reverse say it instead.
    assert codes <= {"0", "1", "2", "7", "1;7"}


def test_an_unknown_market_is_told_without_a_board(
    stand: Practice, names: list[str]
) -> None:
    with Terminal("watch", names[0], "NOTHING", env=stand.exports) as terminal:
        code = terminal.rest()
    assert "no market 'NOTHING'" in terminal.told
    assert (OWN in terminal.told, code) == (False, 3)
