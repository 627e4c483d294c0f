"""The canary sings: a planted leak of each kind is found, and said without the secret."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from vcr.persisters.filesystem import FilesystemPersister

from tests.canary import Canary, Watch, guarded
from tests.guards import ROOT
from unified_exchanges.errors import AuthenticationError, NetworkError, OrderUnknown
from unified_exchanges.flow import Response
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.kalshi import Kalshi
from unified_exchanges.venues.kalshi.simulated import generate_key

# Not known to the watch over the whole run, which would find these leaks as well.
SECRET = "plantedQ9wE7rT5yU3iO1pA2sD4"


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    canary = Canary(watch)
    # Errors of the last test may still be alive in a cycle, and hold its secret.
    gc.collect()
    canary.start()
    watch.forbid(SECRET)
    yield watch
    watch.leaks()
    canary.stop()


def as_the_message() -> None:
    OrderUnknown(f"sent with {SECRET}")


def as_an_attribute() -> None:
    AuthenticationError("refused", payload=f'{{"key":"{SECRET}"}}')


def as_a_note() -> None:
    NetworkError("broken").add_note(SECRET)


def as_the_cause() -> None:
    error = NetworkError("broken")
    error.__cause__ = ValueError(f"header {SECRET}")


def as_the_context_of_the_cause() -> None:
    inner = ValueError("bad header")
    inner.__context__ = KeyError(SECRET)
    error = NetworkError("broken")
    error.__cause__ = inner


def in_the_headers_of_an_attribute() -> None:
    error = NetworkError("broken")
    error.__cause__ = OSError("refused")
    error.__cause__.request = Response(  # type: ignore[attr-defined]
        200, {"signature": SECRET}
    )


@pytest.mark.parametrize(
    "leak",
    [
        as_the_message,
        as_an_attribute,
        as_a_note,
        as_the_cause,
        as_the_context_of_the_cause,
        in_the_headers_of_an_attribute,
    ],
)
def test_fault_48_a_secret_in_an_error_is_found(
    watch: Watch, leak: Callable[[], None]
) -> None:
    leak()
    gc.collect()
    assert len(watch.leaks()) == 1


@pytest.mark.parametrize("name", ["", "urllib3.connectionpool", "aiohttp", "asyncio"])
def test_fault_48_a_secret_in_a_debug_record_of_any_logger_is_found(
    watch: Watch, name: str
) -> None:
    logging.getLogger(name).debug("headers %s", {"signature": SECRET})
    assert watch.leaks() == [f"a record of the logger {name or 'root'} (DEBUG)"]


def test_fault_48_a_secret_in_the_traceback_of_a_record_is_found(watch: Watch) -> None:
    error = ValueError(SECRET)
    logging.getLogger("any").error("it broke", exc_info=error)
    assert watch.leaks() == ["a record of the logger any (ERROR)"]


def test_fault_48_a_secret_in_a_cassette_is_found(watch: Watch, tmp_path: Path) -> None:
    class Serializer:
        @staticmethod
        def serialize(content: object) -> str:
            return f"key: {SECRET}"

    path = tmp_path / "any.yaml"
    FilesystemPersister.save_cassette(
        path, {"requests": [], "responses": []}, Serializer
    )
    assert watch.leaks() == [f"the cassette {path}"]


def test_fault_48_what_a_request_is_signed_with_is_learnt(watch: Watch) -> None:
    pair = generate_key("ed25519")
    transport = ScriptedTransport([Response(200, {}, b"{}")])
    kalshi = Kalshi(
        **guarded(api_key="the-key-of-the-test", private_key=pair.private_pem),
        environment="demo",
        transport=transport,
    )
    kalshi.request("GET", "/exchange/status")
    sent = transport.requests[0].headers
    for header in ("KALSHI-ACCESS-KEY", "KALSHI-ACCESS-SIGNATURE"):
        watch.hear(header, f"headers: {sent[header]!r}")
    for line in pair.private_pem.splitlines()[1:-1]:
        watch.hear("the key", f"key={line};")
    assert watch.leaks() == ["KALSHI-ACCESS-KEY", "KALSHI-ACCESS-SIGNATURE", "the key"]


def test_a_password_with_blanks_is_found(watch: Watch) -> None:
    watch.forbid("a b c d")
    watch.hear("somewhere", "the password a b c d was wrong")
    assert watch.leaks() == ["somewhere"]


def test_a_verdict_is_told_once_and_holds_no_secret(watch: Watch) -> None:
    watch.hear("somewhere", SECRET)
    assert watch.leaks() == ["somewhere"]
    assert watch.leaks() == []


def test_it_is_told_whose_secret_it_was(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "test_keys.py::test_one (call)")
    watch.forbid(f"{SECRET}One")
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "test_keys.py::test_two (call)")
    # The first who had it is told, and nobody whose secret was not let out.
    watch.forbid(f"{SECRET}One")
    watch.forbid(f"{SECRET}Two")
    watch.hear("somewhere", f"sent with {SECRET}One")
    assert watch.leaks() == ["somewhere"]
    assert watch.owners == ["test_keys.py::test_one"]


def test_it_is_told_where_an_error_was_raised_and_caught(watch: Watch) -> None:
    def raises() -> None:
        raise NetworkError(SECRET)

    def catches() -> None:
        with suppress(NetworkError):
            raises()

    catches()
    gc.collect()
    (place,) = watch.leaks()
    assert place.startswith("a NetworkError of None")
    assert place.endswith(
        "seen in test_canary.py:raises, seen in test_canary.py:catches"
    )


def test_what_is_no_secret_is_let_pass(watch: Watch) -> None:
    watch.forbid("-----BEGIN PRIVATE KEY-----\n\n")
    watch.hear("somewhere", "-----BEGIN PRIVATE KEY-----\nplanted")
    assert watch.leaks() == []


def test_fault_48_a_test_that_prints_or_raises_a_secret_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        dedent(
            """
            from tests.canary import Canary, WATCH

            def pytest_configure(config):
                canary = Canary()
                canary.start()
                WATCH.forbid("plantedQ9wE7rT5yU3iO1pA2sD4")
                config.pluginmanager.register(canary, "canary")
            """
        )
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_leaks.py").write_text(
        dedent(
            f"""
            from unified_exchanges.errors import NetworkError

            def test_clean():
                print("nothing")

            def test_printed():
                print("{SECRET}")

            def test_raised():
                NetworkError("{SECRET}")
            """
        )
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed, 2 errors" in run.stdout
    assert SECRET not in run.stdout.partition("Captured")[0]
    assert "a secret was let out: Captured stdout call" in run.stdout

    assert run.returncode == 1
