"""What is given wrongly is refused where it is given, by what is wanted."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges import BadRequest, NotSupported
from unified_exchanges.paper import FREE, Contract, Delays, PaperEngine

from .scene import contract, market

SPANS: list[Any] = [1.5, "x", -1, True, None, 10**40, Decimal(1), timedelta(seconds=1)]


@pytest.mark.parametrize("name", ["order", "event"])
@pytest.mark.parametrize("given", SPANS, ids=str)
def test_a_delay_is_whole_nanoseconds(name: str, given: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        Delays(**{name: given})
    assert caught.value.message == (
        f"Delays.{name} must be whole nanoseconds from 0 up to a year, such as 50_000_000 "
        f"for 50 ms, not {given!r}"
    )


TERMS: list[tuple[str, Any, str]] = [
    *(("market", x, "a Market of an exchange") for x in ("M", None, 5)),
    *(
        ("fees", x, "a FeeRule, as `fetch_fee_rule` gives it, or FREE")
        for x in (None, 1)
    ),
    *(("nets", x, "True or False") for x in (None, "yes", 1)),
    *(("keeps_hours", x, "True or False") for x in (None, 1)),
    *(
        ("read_at", x, "a datetime with a time zone, or None")
        for x in ("now", 5, datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
    ),
]


@pytest.mark.parametrize(("name", "given", "wanted"), TERMS, ids=str)
def test_a_contract_says_what_it_is_made_of(name: str, given: Any, wanted: str) -> None:
    terms: dict[str, Any] = {"market": market(), "fees": FREE, "nets": True}
    with pytest.raises(BadRequest) as caught:
        Contract(**{**terms, name: given})
    assert caught.value.message == f"Contract.{name} must be {wanted}, not {given!r}"


def test_a_contract_has_two_outcomes() -> None:
    whole = contract().market
    with pytest.raises(NotSupported, match="has 1 outcomes; paper trades two"):
        attrs.evolve(
            contract(), market=attrs.evolve(whole, outcomes=whole.outcomes[:1])
        )


def test_a_contract_of_a_venue_wants_the_facts_of_it() -> None:
    given: Any = "kalshi"
    with pytest.raises(BadRequest, match=r"what `describe\(\)` gives, not 'kalshi'"):
        Contract.of(given, market(), FREE)


ENGINES: list[tuple[dict[str, Any], str]] = [
    ({"cash": "x"}, "cash must be a number of dollars: 'x' is not a decimal number"),
    ({"cash": True}, "cash must be a number of dollars"),
    ({"cash": -1}, "cash of -1 dollars is less than nothing"),
    ({"delays": 5}, "delays must be Delays"),
    ({"contracts": [market()]}, "contracts must be of the type Contract"),
]


@pytest.mark.parametrize(("given", "wanted"), ENGINES, ids=str)
def test_an_engine_says_what_it_is_made_of(given: dict[str, Any], wanted: str) -> None:
    terms: dict[str, Any] = {"contracts": [], "cash": 1, **given}
    with pytest.raises(BadRequest, match=wanted):
        PaperEngine(terms.pop("contracts"), **terms)
