"""What is taken for a cassette, and for whose, however it came to be."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from vcr.serializers import jsonserializer, yamlserializer

from unified_exchanges import BadRequest, async_exchange, exchange, exchanges
from unified_exchanges.backtesting import recorded
from unified_exchanges.recording import DamagedRecording, Header, read
from unified_exchanges.recording.format import encode
from unified_exchanges.registry import folder
from unified_exchanges.replaying import load

STATUS = b'{"exchange_active":true,"trading_active":true}'
KALSHI = "https://external-api.kalshi.com/trade-api/v2/exchange/status"
POLYMARKET = "https://clob.polymarket.com/time"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tape.yaml"


def pair(uri: str) -> dict[str, Any]:
    return {
        "request": {"body": None, "headers": {}, "method": "GET", "uri": uri},
        "response": {
            "body": {"string": STATUS.decode()},
            "headers": {},
            "status": {"code": 200, "message": "OK"},
        },
    }


def tape(path: Path, *pairs: str | dict[str, Any], kind: Any = yamlserializer) -> Path:
    """A cassette as vcrpy writes it, of interactions or their addresses."""
    held = [pair(x) if isinstance(x, str) else x for x in pairs]
    path.write_text(kind.serialize({"interactions": held, "version": 1}))
    return path


def asked(path: Path, venue: str | None = None) -> list[str]:
    """What a replay of it can be asked."""
    known = [folder(name, "blocking").EXCHANGE.describe() for name in exchanges]
    return load(path, known, venue=venue).answers.unplayed


@pytest.mark.parametrize(
    ("uri", "venue", "environment"),
    [
        ("http://127.0.0.1:8791/trade-api/v2/exchange/status", "kalshi", "local:8791"),
        ("http://127.0.0.1:8790/clob/time", "polymarket", "local:8790"),
        ("http://127.0.0.1:8790/trade-api/v2/exchange/status", "kalshi", "local"),
        ("http://127.0.0.1:8791/clob/time", "polymarket", "local"),
        ("http://127.0.0.1:8791/api/geoblock", "polymarket", "local"),
        ("https://data-api.polymarket.com/trades", "polymarket", "production"),
    ],
)
def test_a_cassette_is_whose_paths_it_has_wherever_that_was(
    path: Path, uri: str, venue: str, environment: str
) -> None:
    with exchange("replay", path=tape(path, uri)) as ex:
        assert ex.id == venue
        found = ex.venue.environment
        assert found.name == environment or uri.startswith(f"{found.rest}/")


def test_all_at_the_address_of_a_venue_is_asked_of_it(path: Path) -> None:
    at = "http://127.0.0.1:5555"
    with exchange("replay", path=tape(path, f"{at}/geo", f"{at}/clob/time")) as ex:
        assert ex.venue.environment.rest == at
    assert asked(path) == ["GET /geo", "GET /clob/time"]


def test_requests_to_no_venue_are_left_out_and_counted(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tape(path, "https://hooks.example.org/x", KALSHI, "https://hooks.example.org/x")
    with exchange("replay", path=path) as ex:
        assert ex.request("GET", "/exchange/status") == json.loads(STATUS)
        assert ex.id == "kalshi"
    assert "2 of 3 requests went to hooks.example.org, which is no" in caplog.text


@pytest.mark.parametrize("make", [exchange, async_exchange])
def test_of_two_venues_on_a_cassette_one_is_chosen(path: Path, make: Any) -> None:
    tape(path, POLYMARKET, KALSHI)
    with pytest.raises(BadRequest, match=r"kalshi and polymarket: .*venue=\"kalshi\""):
        make("replay", path=path)
    for venue, left in (
        ("kalshi", "GET /trade-api/v2/exchange/status"),
        ("polymarket", "GET /time"),
    ):
        assert make("replay", path=path, venue=venue).id == venue
        assert asked(path, venue) == [left]


def test_a_venue_that_is_not_on_the_cassette_is_refused(path: Path) -> None:
    tape(path, KALSHI)
    with pytest.raises(BadRequest, match=r"kalshi\.com, which is no .* of polymarket"):
        exchange("replay", path=path, venue="polymarket")
    with pytest.raises(BadRequest, match=r"no venue 'bets'; there are: kalshi"):
        exchange("replay", path=path, venue="bets")


def test_two_environments_of_a_venue_are_no_replay(path: Path) -> None:
    tape(path, KALSHI, "http://127.0.0.1:8790/trade-api/v2/exchange/status")
    with pytest.raises(BadRequest, match=r"kalshi at production and local"):
        exchange("replay", path=path)


@pytest.mark.parametrize("make", [exchange, async_exchange])
def test_a_recording_is_of_the_venue_that_was_asked_for(path: Path, make: Any) -> None:
    base = "https://external-api.kalshi.com/trade-api/v2"
    header = Header(
        format=1,
        venue="kalshi",
        environment="production",
        library="0",
        rest=base,
        at=1,
        mono=1,
    )
    path.write_bytes(encode(header))
    assert make("replay", path=path, venue="kalshi").id == "kalshi"
    with pytest.raises(BadRequest, match="recorded at kalshi, not at polymarket"):
        make("replay", path=path, venue="polymarket")


@pytest.mark.parametrize("make", [exchange, async_exchange])
@pytest.mark.parametrize("addresses", [(KALSHI,), (POLYMARKET, KALSHI)])
def test_paper_says_of_any_cassette_that_it_holds_no_stream(
    path: Path, make: Any, addresses: Sequence[str]
) -> None:
    tape(path, *addresses)
    with pytest.raises(BadRequest, match="is a cassette, and holds no stream: paper"):
        make("paper", source="replay", path=path)


@pytest.mark.parametrize("make", [exchange, async_exchange])
def test_only_a_replay_has_a_venue(make: Any) -> None:
    with pytest.raises(BadRequest, match="venue= is for 'replay', not 'kalshi'"):
        make("kalshi", venue="kalshi")


# -- how a cassette is written -----------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"response": {"status": {"code": "200"}}}, "status code .* not '200'"),
        ({"response": {"status": {"code": True}}}, "status code .* not True"),
        ({"response": {"status": {}}}, "KeyError: 'code'"),
        ({"response": {"body": {"string": 5}}}, "body should be a text, not 5"),
        ({"response": {"headers": []}}, r"headers should be a mapping, not \[\]"),
        ({"response": {"headers": {"Date": None}}}, "header should be a text"),
        ({"response": {"clock_before": ["1"]}}, "clock_before .* not '1'"),
        ({"request": {"method": 5}}, "method should be a text, not 5"),
        ({"request": {"uri": None}}, "uri should be a text, not None"),
        ({"request": {"body": 5}}, "body should be a text, not 5"),
    ],
)
def test_what_was_edited_wrongly_is_named_with_its_number(
    path: Path, changed: dict[str, Any], said: str
) -> None:
    wrong = pair(KALSHI)
    for part, fields in changed.items():
        wrong[part] |= fields
    tape(path, KALSHI, wrong, KALSHI)
    with pytest.raises(DamagedRecording, match=f"interaction 2 .*{said}") as told:
        exchange("replay", path=path)
    assert str(path) in str(told.value)


def test_a_cassette_in_json_is_replayed(path: Path) -> None:
    told = '{"exchange_active":true,"trading_active":true,"note":"\N{GRINNING FACE}"}'
    answered = pair(KALSHI)
    answered["response"]["body"]["string"] = told
    tape(path, answered, kind=jsonserializer)
    with exchange("replay", path=path) as ex:
        assert ex.request("GET", "/exchange/status") == json.loads(told)


def test_a_cassette_in_json_that_is_cut_is_damaged(path: Path) -> None:
    tape(path, KALSHI, kind=jsonserializer)
    path.write_text(path.read_text()[:-9])
    with pytest.raises(DamagedRecording, match=re.escape(str(path))):
        exchange("replay", path=path)


@pytest.mark.parametrize("before", ["# licence\n" * 3_000, "\n\n", "---\n", "\ufeff"])
def test_a_cassette_may_begin_with_what_yaml_allows(path: Path, before: str) -> None:
    tape(path, KALSHI)
    path.write_text(before + path.read_text())
    with exchange("replay", path=path) as ex:
        assert ex.id == "kalshi"


@pytest.mark.parametrize("kind", [yamlserializer, jsonserializer])
def test_a_cassette_is_no_recording_and_is_told_as_what_it_is(
    path: Path, kind: Any
) -> None:
    tape(path, KALSHI, kind=kind)
    with pytest.raises(DamagedRecording, match=r"is a cassette.*exchange\(\"replay\""):
        list(read(path))
    with pytest.raises(BadRequest, match=r"does not say when GET .*clock=tape\.clock"):
        list(recorded(path))
