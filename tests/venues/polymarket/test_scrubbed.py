"""Cassettes with orders of which something was blotted out, or that are of another kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.recording.sessions import stage
from unified_exchanges import NotRecorded, exchange
from unified_exchanges.testing import cassette


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (r'"salt":\d+', '"salt":"FILTERED"'),
        (r'"timestamp":"\d+"', '"was":"1"'),
        (r'"maker":"0x\w+"', '"maker":"FILTERED"'),
        (r'\{"deferExec"[^\n]*\}', "a=b"),
    ],
)
def test_a_cassette_is_replayed_but_for_an_order_that_is_none_of_ours(
    known: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "session.yaml"
    with (
        stage("polymarket") as at,
        cassette(path, "record") as tape,
        exchange(at.venue, clock=tape.clock, **at.account) as ex,
    ):
        [market] = ex.fetch_markets(limit=1)
        terms = (market.outcomes[0].label, "buy", market.grid.lowest, 10)
        ex.create_order(market.market_id, *terms)
    text, count = re.subn(known, lambda _: said, path.read_text())
    assert count == 1
    path.write_text(text)
    with exchange("replay", path=path) as ex:
        [again] = ex.fetch_markets(limit=1)
        assert again == market
        with pytest.raises(NotRecorded):
            ex.create_order(market.market_id, *terms)
