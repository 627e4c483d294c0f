"""The command as a process: it is stopped, its reader leaves, its extra is missing."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from unified_exchanges import exchange, exchanges
from unified_exchanges.cli import main
from unified_exchanges.cli.exits import Exit
from unified_exchanges.cli.practice import Practice
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.strategies.interruptions import REPEAT
from unified_exchanges.version import VERSION

from ..unmeasured import unmeasured
from .conftest import invoke

COMMAND = (sys.executable, "-m", "unified_exchanges.cli")


def heed() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(*words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "", **(env or {})},
        text=True,
        preexec_fn=heed,  # noqa: PLW1509 - also where the tests run under nohup
    )


# -- simulate --------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulate_serves_until_stopped_and_deletes_the_key(number: int) -> None:
    with start("simulate", "--port", "0", "--key-type", "ed25519", "--json") as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        path = Path(told["private_key_path"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert told["exports"]["KALSHI_API_KEY"] == told["api_key"]
        with exchange(
            told["venue"],
            environment=told["url"],
            api_key=told["api_key"],
            private_key=told["private_key_path"],
        ) as venue:
            assert venue.fetch_balance().available > 0
        running.send_signal(number)
        _, err = running.communicate()
    assert (running.returncode, err) == (0, "stopped; the key is deleted\n")
    assert not path.parent.exists()


def test_simulate_prints_exports_to_paste() -> None:
    with start("simulate", "--port", "0", "--key-type", "ed25519") as running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "Ctrl-C ends it.\n")
        exports = [line.split() for line in lines if line.startswith("export ")]
        running.send_signal(signal.SIGINT)
        running.communicate()
    names = [assignment.partition("=")[0] for _, assignment in exports]
    assert names == [
        "KALSHI_API_KEY",
        "KALSHI_PRIVATE_KEY_PATH",
        "UNIFIED_EXCHANGES_VENUE",
        "UNIFIED_EXCHANGES_ENVIRONMENT",
    ]


@pytest.mark.parametrize("venue", exchanges)
def test_simulate_serves_where_programs_look_for_the_local_venue(venue: str) -> None:
    local = urlsplit(exchange(venue, environment="local").venue.environment.rest)
    assert local.port
    with suppress(OSError), socket.create_server(("127.0.0.1", local.port)):
        # Taken by us or by somebody else: that tells which one it wants.
        done = invoke("simulate", venue)
        assert f"port {local.port} cannot be used" in done.err
        return
    assert f"port {local.port} cannot be used" in invoke("simulate", venue).err


def test_simulate_takes_its_venue_either_way_but_not_two() -> None:
    done = invoke("simulate", "kalshi", "--venue", "other")
    assert done.code == 2
    assert "contradict each other" in done.err


def test_simulate_ends_in_process_as_well() -> None:
    # The signal arrives as soon as one more venue is served.
    waiting = threading.Thread(target=_interrupt_after, args=(_served(),))
    waiting.start()
    done = invoke("simulate", "--port", "0", "--key-type", "ed25519")
    waiting.join()
    assert done.code == 0
    assert "A simulated Kalshi on http://127.0.0.1:" in done.out


def _served() -> int:
    return sum(t.name == "simulated-venue" for t in threading.enumerate())


def _interrupt_after(before: int) -> None:
    while _served() == before:
        threading.Event().wait(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_port_that_is_taken_is_a_bad_request(stand: Practice) -> None:
    port = stand.url.rpartition(":")[2].partition("/")[0]
    done = invoke("simulate", "--port", port)
    assert done.code == 2
    assert f"port {port} cannot be used: " in done.err
    assert "--port 0" in done.err


def test_a_kind_of_key_that_is_not_there_is_a_bad_request() -> None:
    done = invoke("simulate", "--key-type", "dsa")
    assert done.code == 2
    assert "rsa, ed25519" in done.err


# -- interruptions ---------------------------------------------------------------------


class Silent:
    """A venue that is asked and does not answer."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.asked.set()
        self.released.wait()
        return Response(503)


@pytest.fixture
def silent() -> Iterator[tuple[Silent, str]]:
    venue = Silent()
    with SimulatorServer(venue) as server:
        yield venue, server.url
        venue.released.set()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGINT, "stopped"),
        (signal.SIGTERM, "ended by SIGTERM"),
        (signal.SIGHUP, "ended by SIGHUP"),
    ],
)
def test_a_signal_leaves_cleanly(
    silent: tuple[Silent, str], number: signal.Signals, said: str
) -> None:
    venue, url = silent
    with start("status", "--environment", url, "--timeout", "60") as running:
        assert venue.asked.wait(30)
        running.send_signal(number)
        out, err = running.communicate()
    assert (running.returncode, out, err) == (128 + number, "", f"{said}\n")


SLOW = """
import os, time
import unified_exchanges as ux

class Slow(ux.Strategy):
    def on_start(self, desk):
        open(os.environ["BEGUN"], "x").close()
        time.sleep(60)
"""


@pytest.mark.parametrize("command", ["backtest", "sweep", "run"])
def test_sigterm_ends_a_strategy_at_work(
    stand: Practice, market: str, tmp_path: Path, command: str
) -> None:
    slow, day, begun = tmp_path / "slow.py", tmp_path / "day.jsonl", tmp_path / "begun"
    slow.write_text(SLOW)
    done = invoke(
        "record", "kalshi", market, "--out", str(day), "--for", "1s", env=stand.exports
    )
    assert done.code == 0, done.err
    words = {"run": (market,), "backtest": ("--data", str(day))}
    words["sweep"] = (*words["backtest"], "--workers", "2")
    env = unmeasured(**stand.exports, BEGUN=str(begun))
    with start(command, str(slow), *words[command], env=env) as running:
        while not begun.exists():
            assert running.poll() is None, running.communicate()
            threading.Event().wait(0.01)
        running.send_signal(signal.SIGTERM)
        if command == "run":
            # The first one asks for an orderly end; right after it is no second one.
            threading.Event().wait(2 * REPEAT)
            running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=50)
    assert (running.returncode, err) == (143, "ended by SIGTERM\n")


def test_a_reader_who_leaves_early_is_no_error(stand: Practice) -> None:
    with start("trades", "--all", "--json", env=stand.exports) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        json.loads(running.stdout.readline())
        running.stdout.close()
        err = running.stderr.read()
    assert (running.returncode, err) == (0, "")


def test_a_reader_of_a_table_who_leaves_early_is_no_error(stand: Practice) -> None:
    with start("trades", "--all", env=stand.exports) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        err = running.stderr.read()
    assert (running.returncode, err) == (0, "")


def shell(
    line: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # Without the measuring of coverage, which may have something to say at the very end.
    # Buffered, as for a user: what is left over is written when the interpreter ends.
    environ = unmeasured(**(env or {}))
    environ.pop("PYTHONUNBUFFERED", None)
    return subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join(COMMAND)} {line}"],
        check=False,
        capture_output=True,
        text=True,
        env=environ,
    )


@pytest.mark.parametrize("words", ["venues", "venues --json", "--version", "--help"])
def test_output_that_cannot_be_written_is_told_in_a_line(words: str) -> None:
    done = shell(f"{words} > /dev/full")
    said = "cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_of_a_command_at_a_venue_it_is_said_that_what_was_done_stands(
    stand: Practice,
) -> None:
    done = shell("balance > /dev/full", env=stand.exports)
    said = (
        "cannot write the output: No space left on device; what was done at the venue"
    )
    assert (done.returncode, done.stderr) == (1, f"{said} stands\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "2> /dev/full"])
def test_a_closed_stream_changes_no_exit_code(closed: str) -> None:
    right, wrong = shell(f"venues kalshi {closed}"), shell(f"venues nothing {closed}")
    assert (right.returncode, right.stderr) == (0, "")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)


def test_the_package_runs_like_the_command() -> None:
    told = subprocess.check_output(
        [sys.executable, "-m", "unified_exchanges", "--version"], text=True
    )
    assert told == f"unified-exchanges {VERSION}\n"


def test_another_error_of_the_system_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("unified_exchanges.cli.app.app", broken)
    with pytest.raises(PermissionError):
        main()


# -- the extra -------------------------------------------------------------------------


def test_a_missing_extra_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "unified_exchanges.cli.app", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "needs typer, which is not installed" in said
    assert "pip install '.[cli]' in a clone" in said


def test_ctrl_c_while_the_command_still_starts_ends_it_without_a_word(
    tmp_path: Path,
) -> None:
    # As a key that is hit in the midst of an import.
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [*COMMAND, "venues"],
        env=unmeasured(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (Exit.INTERRUPTED, "", "")


def test_another_missing_module_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "unified_exchanges.cli.app", raising=False)
    monkeypatch.setitem(sys.modules, "unified_exchanges.cli.demo", None)
    monkeypatch.delattr("unified_exchanges.cli.demo", raising=False)
    with pytest.raises(ModuleNotFoundError):
        main()


def test_the_command_runs_with_its_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["unified-exchanges", "venues", "kalshi", "--json"]
    )
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    assert json.loads(capsys.readouterr().out)["id"] == "kalshi"
