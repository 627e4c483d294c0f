"""Exchanges are found by id, and their folders are imported only then."""

from __future__ import annotations

import pytest

import unified_exchanges as ux
from unified_exchanges.errors import BadRequest
from unified_exchanges.registry import folder


def test_the_ids_are_sorted() -> None:
    assert list(ux.exchanges) == sorted(ux.exchanges)
    assert "kalshi" in ux.exchanges


def test_an_id_makes_the_blocking_flavour() -> None:
    with ux.exchange("kalshi", environment="demo") as exchange:
        assert isinstance(exchange, ux.Exchange)
        assert exchange.id == "kalshi"


async def test_an_id_makes_the_async_flavour() -> None:
    async with ux.async_exchange("kalshi", environment="demo") as exchange:
        assert isinstance(exchange, ux.AsyncExchange)


def test_an_id_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadRequest, match=r"there are: .*kalshi"):
        ux.exchange("binance")


@pytest.mark.parametrize("name", ["replays", "papers"])
def test_a_misspelled_id_is_told_before_what_was_given_with_it(name: str) -> None:
    for make in (ux.exchange, ux.async_exchange):
        with pytest.raises(BadRequest, match=f"there is no exchange '{name}'"):
            make(name, path="day.jsonl")


@pytest.mark.parametrize("name", ["paper", "replay", "binance"])
def test_what_is_no_venue_is_refused_with_the_venues_alone(name: str) -> None:
    told = rf"^there is no venue '{name}'; there are: kalshi, polymarket$"
    with pytest.raises(BadRequest, match=told):
        folder(name)


def test_a_venue_s_modules_are_found_below_its_folder() -> None:
    assert folder("kalshi").__name__ == "unified_exchanges.venues.kalshi"


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        ux.Nothing  # type: ignore[attr-defined] # noqa: B018


def test_importing_a_submodule_does_not_replace_a_public_function() -> None:
    import unified_exchanges.shells.blocking  # noqa: F401

    assert callable(ux.exchange)


def test_dir_lists_the_public_names() -> None:
    assert set(ux.__all__) == set(dir(ux))
