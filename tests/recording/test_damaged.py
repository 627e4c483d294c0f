"""A recording that is damaged is said to be, whoever reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from unified_exchanges import exchange
from unified_exchanges.backtesting import recorded
from unified_exchanges.recording import DamagedRecording, Recorder, read
from unified_exchanges.recording.opening import open_recording
from unified_exchanges.research import convert

from .sessions import stage

NAMES = {"kalshi": b'"rules_primary":"', "polymarket": b'"question":"'}


def plain(path: Path, venue: str, never: tuple[str, ...] = ()) -> bytes:
    """Record a market and an order; gives the file as it is without compression."""
    with (
        stage(venue) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path, never=never),
    ):
        market = ex.fetch_markets(limit=1)[0]
        ex.fetch_market(market.market_id)
        first = market.outcomes[0].label
        order = ex.create_order(market.market_id, first, "buy", "0.01", 10)
        ex.cancel_order(order.order_id)
    with open_recording(path) as file:
        return file.read()


def replay(path: Path) -> None:
    with exchange("replay", path=path):
        pass


@pytest.mark.parametrize("venue", NAMES)
def test_bytes_that_are_no_text_are_damage(tmp_path: Path, venue: str) -> None:
    data = plain(tmp_path / "r", venue)
    name = NAMES[venue]
    assert name in data
    (tmp_path / "r").write_bytes(data.replace(name, name + b"\xff", 1))
    for use in (
        lambda x: [*read(x)],
        lambda x: [*recorded(x)],
        lambda x: convert(x, tmp_path / "tables"),
        replay,
    ):
        with pytest.raises(DamagedRecording, match=r"cannot be read.*restore it"):
            use(tmp_path / "r")


@pytest.mark.parametrize(
    ("name", "spoilt"), [(b'"salt":', b'"salt":"x",'), (b'"side":', b'"other":')]
)
def test_an_order_that_cannot_be_read_is_damage(
    tmp_path: Path, name: bytes, spoilt: bytes
) -> None:
    data = plain(tmp_path / "r", "polymarket")
    begin, sent, rest = data.partition(b'"order":{')
    assert name in rest
    rest = rest.replace(name, spoilt + b'"salt":' * (name == b'"salt":'), 1)
    rest = rest.replace(b'"salt":"x","salt":', b'"salt":"x","was":', 1)
    (tmp_path / "r").write_bytes(begin + sent + rest)
    with pytest.raises(DamagedRecording, match="an order that was sent in it"):
        replay(tmp_path / "r")


@pytest.mark.parametrize("name", [b'"side":', b'"maker":'])
def test_an_order_of_which_a_name_was_redacted_is_passed_over(
    tmp_path: Path, name: bytes
) -> None:
    data = plain(tmp_path / "r", "polymarket")
    begin, sent, rest = data.partition(b'"order":{')
    assert name in rest
    (tmp_path / "r").write_bytes(begin + sent + rest.replace(name, b'"REDACTED":', 1))
    replay(tmp_path / "r")
