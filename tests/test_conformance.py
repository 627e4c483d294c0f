"""The conformance classes run what a venue has, and skip what it says that it has not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.toy import FACTS as TOY
from unified_exchanges.description import Description
from unified_exchanges.registry import exchanges
from unified_exchanges.testing import conformance
from unified_exchanges.testing.conformance.ground import Conformance
from unified_exchanges.testing.conformance.live import LiveConformance
from unified_exchanges.testing.conformance.needs import lacking, needs, unmet

from .guards import ROOT
from .runs import outcomes

SUBCLASSES = """
import attrs
import pytest

from tests import toy
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.flow import Response
from unified_exchanges.shells.aio import AsyncExchange
from unified_exchanges.shells.blocking import Exchange
from unified_exchanges.testing import conformance
from unified_exchanges.venues.kalshi.venue import KalshiVenue


class Toyland(conformance.Ground):
    exchange_id = "toy"
    venue_type = toy.ToyVenue

    def server(self):
        return self

    def handle(self, request, *, lag=0.0):
        return toy.answer({"active": True})

    def account(self):
        return {"environment": "demo"}

    def exchange(self, flavour, **settings):
        shell = AsyncExchange if flavour == "async" else Exchange
        kind = type("Shell", (shell,), {"venue_type": self.venue_type})
        return kind(**settings)


class TwoBooksVenue(KalshiVenue):
    facts = attrs.evolve(
        KalshiVenue.facts, outcome_books="separate", idempotent_create="none"
    )


class TwoBooks(KalshiGround):
    def exchange(self, flavour, **settings):
        shell = AsyncExchange if flavour == "async" else Exchange
        return type("Shell", (shell,), {"venue_type": TwoBooksVenue})(**settings)


class Base:
    @pytest.fixture
    def ground(self):
        return GROUND()


class TestCatalogue(Base, conformance.Catalogue):
    pass


class TestOrders(Base, conformance.Orders):
    pass


class TestPortfolio(Base, conformance.Portfolio):
    pass


class TestLostAnswers(Base, conformance.LostAnswers):
    pass


class TestDryRuns(Base, conformance.DryRuns):
    pass


class TestHalts(Base, conformance.Halts):
    pass


class TestHaltsLive(Base, conformance.HaltsLive):
    pass


class TestCommands(Base, conformance.Commands):
    pass


class TestGuards(Base, conformance.Guards):
    pass


class TestListings(Base, conformance.Listings):
    pass


class TestPace(Base, conformance.Pace):
    pass


class TestSecrecy(Base, conformance.Secrecy):
    pass


class TestStreams(Base, conformance.Streams):
    pass


class TestSettling(Base, conformance.Settling):
    pass


class TestWire(Base, conformance.Wire):
    pass
"""


def ran(tmp_path: Path, ground: str, *options: str) -> dict[str, tuple[str, str]]:
    """Run the classes on a ground: what became of each test, and why."""
    program = f"{SUBCLASSES}\nGROUND = {ground}\n"
    return {n: why for (_, n), why in outcomes(tmp_path, program, *options).items()}


def test_a_venue_that_has_a_status_only_skips_all_else(tmp_path: Path) -> None:
    found = ran(tmp_path, "Toyland")
    failed = {name: why for name, why in found.items() if why[0] not in KINDS}
    assert failed == {}
    passed = {name for name, (kind, _) in found.items() if kind == "passed"}
    assert {name.partition("[")[0] for name in passed} <= {
        "test_a_read_survives_trouble_that_passes",
        "test_fault_45_an_answer_that_does_not_end_is_given_up_in_time",
        "test_fault_50_f16_a_replay_of_nothing_is_refused_before_a_socket_opens",
        "test_fault_51_where_money_is_real_a_write_needs_live",
        "test_health_counts_what_was_asked",
        "test_the_venue_is_up",
        "test_what_the_venue_has_not_is_refused_as_described",
    }
    assert "test_the_venue_is_up[async]" in passed
    reasons = {why for kind, why in found.values() if kind == "skipped"}
    assert "toy has no fetch_markets" in reasons


KINDS = ("passed", "skipped")
COMPLEMENTS = ("p04", "p07", "in_terms_of_one")
REPEATED = (
    "fault_07",
    "fault_02_a_create_that_goes",
    "fault_04_an_order_that_filled_unheard_is",
    "p05_a_create",
    "fault_20_a_batch_whose",
)


def test_two_books_and_no_safe_create_skip_the_complements_and_repeats(
    tmp_path: Path,
) -> None:
    chosen = (*COMPLEMENTS, *REPEATED, "sorted", "at_the_market", "fault_19")
    found = ran(tmp_path, "TwoBooks", "-k", " or ".join(chosen))
    kinds: dict[str, set[str]] = {}
    for name, (kind, _) in found.items():
        skips = any(word in name for word in (*COMPLEMENTS, *REPEATED))
        kinds.setdefault("skips" if skips else "runs", set()).add(kind)
    assert kinds == {"skips": {"skipped"}, "runs": {"passed"}}
    reasons = {why for kind, why in found.values() if kind == "skipped"}
    assert reasons == {
        "kalshi is described otherwise: client order ids",
        "kalshi is described otherwise: idempotent create",
        "kalshi is described otherwise: one book",
    }


# -- the rules themselves --------------------------------------------------------------


def described(**changes: Any) -> Description:
    return attrs.evolve(TOY, **changes)


@pytest.mark.parametrize(
    ("kind", "met"),
    [
        ("none", []),
        ("order_hash", ["idempotent create"]),
        ("client_order_id", ["idempotent create", "client order ids"]),
    ],
)
def test_what_makes_a_create_safe_decides_what_is_sent_again(
    kind: Any, met: list[str]
) -> None:
    facts = described(idempotent_create=kind)
    every = (needs("idempotent create"), needs("client order ids"))
    tests = [mark(lambda: None) for mark in every]
    found = [
        name
        for name, test in zip(
            ["idempotent create", "client order ids"], tests, strict=True
        )
        if unmet(test, facts) is None
    ]
    assert found == met


def test_a_test_without_needs_applies_everywhere() -> None:
    assert unmet(lambda: None, TOY) is None


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "reason"),
    [
        ("fetch_fills", (), {}, "toy has no fetch_fills"),
        ("iter_markets", (), {}, "toy has no fetch_markets"),
        ("check_health", (), {}, None),
        ("create_order", (), {}, None),
        ("create_order", (), {"post_only": True}, None),
        ("create_order", (), {"reduce_only": True}, "toy has no reduce_only"),
        ("create_order", (), {"client_order_id": "x"}, "toy has no client_order_id"),
        ("create_order", (), {"time_in_force": "ioc"}, "toy has no ioc orders"),
        ("create_order", (), {"time_in_force": "gtc"}, None),
        ("create_order", (), {"time_in_force": "day"}, None),
        ("create_order", (), {"type": "market"}, "toy has no market orders"),
        ("fetch_ohlcv", ("M", "1h"), {}, "toy has no candles of 1h"),
    ],
)
def test_a_call_for_what_is_not_there_says_what(
    method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], reason: str | None
) -> None:
    has = {**TOY.has, "create_order": True, "fetch_ohlcv": True}
    assert lacking(described(has=has), method, args, kwargs) == reason


def test_books_are_numbered_where_the_venue_says_so() -> None:
    test = needs("numbered books")(lambda: None)
    kinds: tuple[Any, ...] = ("numbers", "best prices", "none")
    found = {kind: unmet(test, described(book_checks=kind)) for kind in kinds}
    assert found == {
        "numbers": None,
        "best prices": "toy is described otherwise: numbered books",
        "none": "toy is described otherwise: numbered books",
    }


@pytest.mark.parametrize("venue", exchanges)
def test_every_venue_runs_every_class(venue: str) -> None:
    ran = import_module(f"tests.venues.{venue}.test_conformance")
    bases = {
        base for kind in vars(ran).values() for base in getattr(kind, "__mro__", ())
    }
    missing = {
        name
        for name, kind in vars(conformance).items()
        if isinstance(kind, type)
        and issubclass(kind, Conformance | LiveConformance)
        and kind not in bases
    }
    assert missing == set()


@pytest.mark.parametrize("venue", exchanges)
def test_every_venue_names_what_its_streams_are_broken_by(venue: str) -> None:
    ran = import_module(f"tests.venues.{venue}.ground")
    (ground,) = (
        kind
        for name, kind in vars(ran).items()
        if name.endswith("Ground") and name != "Ground"
    )
    assert ground.stream_path is not None
    assert set(ground.frames) == {"book", "order", "fill"}
    assert set(ground.words) == {"order", "fill"}
    assert ground.short_pages is not conformance.Ground.short_pages


@pytest.mark.parametrize("name", ["conformance", "conformance.orders"])
def test_where_pytest_is_missing_it_says_which_install_brings_it(name: str) -> None:
    # As where it is not installed: neither found nor imported.
    code = (
        "import sys\n"
        "sys.modules['pytest'] = None\n"
        "import unified_exchanges.testing\n"
        f"import unified_exchanges.testing.{name}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: unified_exchanges.testing.conformance needs pytest, which "
        "is not installed: python -m pip install '.[testing]' in a clone of the repository"
    )
