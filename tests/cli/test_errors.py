"""Errors become messages, advice and exit codes; never tracebacks, never secrets."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest
import typer

from unified_exchanges import errors
from unified_exchanges.cli.command import guarded
from unified_exchanges.cli.exits import MEANINGS, Exit, advice, exit_code
from unified_exchanges.cli.heeding import told_at_once
from unified_exchanges.cli.practice import Practice
from unified_exchanges.cli.screen import Screen

from ..guards import ROOT
from .conftest import Command, invoke

CODES = {
    "BadRequest": 2,
    "NotSupported": 2,
    "ReadOnly": 2,
    "InvalidPrice": 2,
    "ExchangeError": 3,
    "InsufficientFunds": 3,
    "MarketClosed": 3,
    "VenueSchemaError": 3,
    "DuplicateOrderId": 3,
    "AuthenticationError": 4,
    "PermissionDenied": 4,
    "ClockSkew": 4,
    "RateLimitExceeded": 5,
    "NetworkError": 6,
    "RequestTimeout": 6,
    "ExchangeNotAvailable": 6,
    "OnMaintenance": 6,
    "OrderUnknown": 7,
    "UnifiedExchangesError": 1,
}


@pytest.mark.parametrize("name", CODES)
def test_a_family_of_errors_has_its_exit_code(name: str) -> None:
    error = getattr(errors, name)("what was asked, what came")
    assert exit_code(error) == CODES[name]
    with pytest.raises(typer.Exit) as left, guarded(Screen()):
        raise error
    assert left.value.exit_code == CODES[name]


@pytest.mark.parametrize("as_json", [False, True])
def test_what_an_error_was_noted_with_is_told_too(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    error = errors.InsufficientFunds("not enough cash")
    error.add_note("an order of the run may still be open: 7")
    with pytest.raises(typer.Exit), guarded(Screen(as_json=as_json)):
        raise error
    assert "an order of the run may still be open: 7" in capsys.readouterr().err


def test_every_code_has_a_meaning_and_a_line_on_the_page() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    assert set(MEANINGS) == set(Exit)
    assert [int(code) for code in Exit if f"| {int(code)} |" not in page] == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.OrderUnknown("lost", client_order_id="abc"), "orders --client-id abc"),
        (errors.RateLimitExceeded("slow", retry_after=2.5), "wait 2.5 seconds"),
        (errors.RateLimitExceeded("slow"), "wait a few seconds"),
        (errors.ClockSkew("late", offset_ms=-61_000), "which is 61,000 ms off"),
        (errors.ClockSkew("late"), "set the clock of this machine"),
        (errors.ReadOnly("no"), "add --live"),
        (errors.AuthenticationError("no key"), "--api-key and --private-key-path"),
        (errors.MarketNotFound("no"), "unified-exchanges markets"),
        (errors.ConnectionLost("127.0.0.1 refused", venue="kalshi"), "simulate kalshi"),
        (errors.ConnectionLost("no route"), "check the network"),
    ],
)
def test_the_advice_is_what_to_type_next(
    error: errors.UnifiedExchangesError, said: str
) -> None:
    assert said in (advice(error) or "")


def test_half_a_key_is_answered_with_the_options() -> None:
    half = errors.ArgumentsRequired("api_key came without private_key=")
    assert "--private-key-path" in (advice(half) or "")
    assert advice(errors.ArgumentsRequired("a market order needs a bound")) is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (errors.MarketNotFound, "list the ids: unified-exchanges markets"),
        (errors.EventNotFound, "list the ids: unified-exchanges events"),
        (errors.OrderNotFound, "list your orders: unified-exchanges orders --all"),
        (errors.InsufficientFunds, "see your cash: unified-exchanges balance"),
        (
            errors.ExchangeNotAvailable,
            "see whether it trades: unified-exchanges status",
        ),
    ],
)
def test_the_advice_asks_the_venue_that_said_so(
    kind: type[errors.UnifiedExchangesError], words: str
) -> None:
    told = kind("no", venue="polymarket")
    assert advice(told) == f"{words} --venue polymarket"
    # Where none is known, or none that can be named.
    assert advice(kind("no")) == advice(kind("no", venue="paper")) == words


def test_what_became_of_an_order_is_asked_of_its_venue() -> None:
    lost = errors.OrderUnknown("lost", client_order_id="a", venue="polymarket")
    assert (advice(lost) or "").endswith("orders --client-id a --venue polymarket")
    off = errors.ConnectionLost("reset", venue="polymarket")
    assert (advice(off) or "").endswith("unified-exchanges status --venue polymarket")


def test_there_is_no_advice_where_the_message_says_it_all() -> None:
    assert advice(errors.InvalidPrice("off the grid", nearest=())) is None
    assert advice(errors.AuthenticationError("wrong key", status=401)) is None


# -- as a user meets them --------------------------------------------------------------


def test_an_off_grid_price_is_a_bad_request(look: Command, market: str) -> None:
    done = look("order", market, "yes", "buy", "0.123456", "1")
    assert (done.code, done.out) == (2, "")
    assert (
        "✗ InvalidPrice kalshi: price 0.123456 is not on the market's grid" in done.err
    )


def test_an_error_is_json_on_stderr_when_json_was_asked(
    look: Command, market: str
) -> None:
    done = look("order", market, "yes", "buy", "0.123456", "1", "--json")
    assert (done.out, done.error["error"]) == ("", "InvalidPrice")
    assert len(done.error["nearest"]) == 2
    assert done.error["exit_code"] == 2


def test_an_unknown_market_is_a_refusal_with_advice(look: Command) -> None:
    done = look("book", "NO-SUCH-MARKET")
    assert done.code == 3
    assert "→ list the ids: unified-exchanges markets" in done.err


@pytest.mark.parametrize(
    "words", [("cancel", "--all"), ("orders",), ("positions",), ("trades",), ("fills",)]
)
def test_a_market_that_does_not_exist_is_not_an_empty_success(
    look: Command, words: tuple[str, ...]
) -> None:
    done = look(*words, "--market", "NOPE")
    assert (done.code, done.out) == (3, "")
    assert "✗ MarketNotFound" in done.err


def test_a_market_order_without_a_bound_names_the_option(
    look: Command, market: str
) -> None:
    done = look("order", market, "yes", "buy", "market", "1")
    assert (done.code, done.out) == (2, "")
    assert "--max-slippage" in done.err
    assert "key" not in done.err


def test_lack_of_funds_is_a_refusal(look: Command, market: str) -> None:
    done = look("order", market, "yes", "buy", "0.01", "5000000")
    assert done.code == 3
    assert "InsufficientFunds" in done.err


def test_an_account_command_without_a_key_is_an_authentication_error(
    stand: Practice,
) -> None:
    done = invoke("balance", "--environment", stand.url)
    assert done.code == 4
    assert "--private-key-path" in done.err


def test_a_key_that_the_venue_does_not_know_is_an_authentication_error(
    look: Command,
) -> None:
    other = "11111111-2222-4333-8444-555555555555"
    assert look("balance", "--api-key", other).code == 4


def test_a_key_file_that_others_may_read_is_refused(
    look: Command, stand: Practice, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_text(Path(stand.private_key_path).read_text())
    path.chmod(0o644)
    done = look("balance", "--private-key-path", str(path))
    assert done.code == 4
    assert "chmod 600" in done.err


def test_a_key_on_the_command_line_is_refused_and_not_repeated(
    look: Command, stand: Practice
) -> None:
    pem = Path(stand.private_key_path).read_text()
    done = look("balance", "--private-key-path", pem)
    assert done.code == 2
    assert "the path of a file" in done.err
    assert pem.splitlines()[1] not in done.err


def test_nobody_at_the_port_is_a_network_error(look: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = look("status", "--environment", f"http://127.0.0.1:{port}", "--timeout", "1")
    assert done.code == 6
    assert "→ start one to practise on: unified-exchanges simulate kalshi" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("order", "M", "yes", "hold", "0.5", "1"),
        ("markets", "--status", "gone"),
        ("markets", "--limit", "0"),
        ("nothing",),
        ("book",),
    ],
)
def test_wrong_usage_is_a_bad_request(look: Command, words: tuple[str, ...]) -> None:
    assert look(*words).code == 2


def test_no_traceback_without_debug(look: Command) -> None:
    assert "Traceback" not in look("book", "NO-SUCH-MARKET").err


def test_debug_shows_the_traceback_without_secrets(
    look: Command, stand: Practice
) -> None:
    done = look("book", "NO-SUCH-MARKET", "--debug")
    assert "Traceback (most recent call last)" in done.err
    secrets = Path(stand.private_key_path).read_text().splitlines()[1:-1]
    assert [word for word in (*secrets, stand.api_key) if word in done.err] == []


COMMANDS = [
    ("markets",),
    ("balance",),
    ("positions",),
    ("fills",),
    ("orders",),
    ("status",),
    ("balance", "--json"),
    ("status", "--json"),
]


@pytest.mark.parametrize("words", COMMANDS)
def test_no_command_shows_the_key(
    look: Command, stand: Practice, words: tuple[str, ...]
) -> None:
    done = look(*words, "--debug")
    secrets = Path(stand.private_key_path).read_text().splitlines()[1:-1]
    shown = done.out + done.err
    assert [word for word in (*secrets, stand.api_key) if word in shown] == []


# -- warnings --------------------------------------------------------------------------


def warned(words: str) -> None:
    logging.getLogger("unified_exchanges.any").warning(words)


def test_a_warning_of_the_library_follows_the_result(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with guarded(Screen()):
        warned("basic is assumed")
    assert capsys.readouterr().err == "basic is assumed\n"


@pytest.mark.parametrize("debug", [False, True])
def test_a_warning_before_an_error_is_for_debugging(
    capsys: pytest.CaptureFixture[str],
    debug: bool,
) -> None:
    def fail() -> None:
        with guarded(Screen(debug=debug)):
            warned("basic is assumed")
            raise errors.BadRequest("no")

    with pytest.raises(typer.Exit):
        fail()
    assert ("basic is assumed" in capsys.readouterr().err) is debug


def test_of_many_warnings_of_one_form_the_rest_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("unified_exchanges.any")
    with guarded(Screen()), told_at_once():
        for number in range(13):
            logger.warning("look for order %d", number)
    lines = [x.split(maxsplit=2)[2] for x in capsys.readouterr().err.splitlines()]
    assert lines == [
        *(f"look for order {number}" for number in range(10)),
        "look for order 12 (and 2 like it before)",
    ]


def test_what_is_said_elsewhere_is_of_another_form_though_it_has_no_words_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("unified_exchanges.any")
    with guarded(Screen()), told_at_once():
        for number in range(11):
            logger.warning("%s", f"fills of order {number} are missing")
        logger.warning("%s", "order 5 may still be open")
    lines = [x.split(maxsplit=2)[2] for x in capsys.readouterr().err.splitlines()]
    assert lines[10:] == [
        "order 5 may still be open",
        "fills of order 10 are missing (and 0 like it before)",
    ]


# -- interruptions ---------------------------------------------------------------------


def test_ctrl_c_has_a_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, guarded(Screen()):
        raise KeyboardInterrupt
    assert left.value.exit_code == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_reader_who_has_gone_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, guarded(Screen()):
        raise BrokenPipeError
    assert left.value.exit_code == 0
    assert capfd.readouterr().err == ""


def test_a_table_for_a_reader_who_has_gone_says_so_to_the_command() -> None:
    with pytest.raises(BrokenPipeError):
        Screen().out.on_broken_pipe()
