"""What is found by its form alone, what is not, and what venues say that looks like it."""

from __future__ import annotations

import json
import random
import string
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from unified_exchanges import exchange
from unified_exchanges.flow import Request, Response
from unified_exchanges.recording import Frame, Recorder, Rest, Withheld, read
from unified_exchanges.recording.cleansing import Cleansing
from unified_exchanges.recording.suspicion import suspects

from .sessions import plain

URL = "http://127.0.0.1:1/trade-api/v2"
LOWER = string.ascii_lowercase + string.digits
CHARACTERS = string.ascii_letters + string.digits

MADE: dict[str, Callable[[random.Random], str]] = {
    "hexadecimal of 16 bytes": lambda r: r.randbytes(16).hex(),
    "hexadecimal of 39": lambda r: r.randbytes(20).hex()[:39],
    "hexadecimal in capitals": lambda r: r.randbytes(16).hex().upper(),
    "hexadecimal of 32 bytes": lambda r: r.randbytes(32).hex(),
    "base32 of 20 bytes": lambda r: b32encode(r.randbytes(20)).decode(),
    "small letters and digits": lambda r: "".join(r.choices(LOWER, k=40)),
    "base64 of 24 bytes": lambda r: b64encode(r.randbytes(24)).decode(),
    "base64 of 30 bytes": lambda r: b64encode(r.randbytes(30)).decode(),
    "base64 of 32 bytes": lambda r: b64encode(r.randbytes(32)).decode(),
    "base64 of 64 bytes": lambda r: b64encode(r.randbytes(64)).decode(),
    "base64 for addresses": lambda r: urlsafe_b64encode(r.randbytes(32)).decode(),
    "letters and digits": lambda r: "".join(r.choices(CHARACTERS, k=32)),
}


PLACES = {
    "by itself": "{}",
    "in a form": "client_id=7&state={}&more=x",
    "in a link": "https://toy.test/hook?v={}",
    "in a link within another": "https://toy.test/?to=https%3A%2F%2Fa.test%2F%3Fv%3D{}",
    "behind a beginning": "live_{}",
    "in parts": "hook-{}-main",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_nearly_every_random_word_of_a_common_form_is_found(
    make: Callable[[random.Random], str], place: str
) -> None:
    source, cleansing = random.Random(5), Cleansing()
    count = 200
    texts = (place.format(make(source)) for _ in range(count))
    found = sum(
        bool(cleansing.suspects(json.dumps({"note": x}).encode())) for x in texts
    )
    assert found >= 0.97 * count


@pytest.mark.parametrize(
    "place",
    [
        "/trade-api/v2/markets/{}",
        "/trade-api/v2/markets/{}/trades",
        "https://toy.test/hook?v={}&more=x",
        "https://toy.test/?to=https%3A%2F%2Fa.test%2Fhooks%2F{}",
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_base64_is_found_however_often_an_address_escapes_it(
    place: str, times: int
) -> None:
    source, cleansing = random.Random(5), Cleansing()
    count, found = 200, 0
    for _ in range(count):
        word = b64encode(source.randbytes(48)).decode()
        for _ in range(times + place.count("%3A")):
            word = quote(word, safe="")
        text = place.format(word)
        is_path = place.startswith("/")
        url, body = (text, b"") if is_path else ("", json.dumps([text]).encode())
        found += bool(cleansing.suspects(body, url))
    assert found >= 0.97 * count


SAID = {
    "a ticker of many": "KXTOPSONG-26NOV30-TaylorSwift1",
    "one of two markets": "KXTOPSONG-26NOV30-TaylorSwift1,KXTOPSONG-26NOV30-SabrinaC2",
    "a combined one": "KXMVESPORTSMULTIGAMEEXTENDED-S2025A1B2C3D4E5F-0123456789A",
    "a slug": "will-the-fed-cut-rates-by-25-bps-after-the-december-2026-meeting-1767",
    "an account": "0xee453f76e0d92010e4c77de97dc4737de1a1336e",
    "where to pay": "bc1q8eau83qffxcj8ht4hsjdza3lha9r3egfqysj3g",
    "a condition": "0x" + "2f27755b4f404055" * 4,
    "an order": "9040c798-48c7-4bfd-a3fd-04ce5bc1955e",
    "a token": "206822029505107039721676807062474686599938297482280979384850747941765",
    "a link": "https://kalshi.com/markets/kxhighny/Highest/Temperature/In/NYC/2026/Dec05",
    "words": "Password: required. Victoria's Secret: revenue above $1,432,000,000?",
    "who may": "Authorization: the Committee decides. The bearer wins.",
    "a time in a link": "https://toy.test:443/at/12:30@venue",
    "a query": "/markets?series_ticker=KXMVESPORTSMULTIGAMEEXTENDED&status=open&limit=100",
    "a word of a chain in a query": "?user=0xee453f76e0d92010e4c77de97dc4737de1a1336e",
    "a hash with a beginning": "order_0x" + "2f27755b4f404055" * 4,
    "an account with a beginning": "by-0xee453f76e0d92010e4c77de97dc4737de1a1336e",
    "a token in a link": "https://a.test/?token=68220295051070397216768070624746865990",
    "how one is asked for": "set token=YES or session=morning, signature=required",
    "a share": "above 50%25 of the vote%2C or 5%2F8%2F2026 in 10%/20%/30%",
    "a series": "KXMVESPORTSMULTIGAMEEXTENDEDSERIES26",
    "a long word": "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerk",
}


@pytest.mark.parametrize("text", SAID.values(), ids=SAID)
def test_what_venues_say_is_no_secret(text: str) -> None:
    said = json.dumps({"a": text}).encode()
    cleansing = Cleansing()
    assert cleansing.clean(said) == said
    assert cleansing.suspects(said) == []
    assert suspects("", {}, said) == []


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", f"{URL}/markets/{SAID['a ticker of many']}/orderbook"),
        Request("GET", f"{URL}/markets", (("tickers", SAID["one of two markets"]),)),
        Request(
            "POST",
            f"{URL}/orders",
            body=json.dumps({"market_tickers": [SAID["a ticker of many"]]}).encode(),
        ),
    ],
)
def test_the_ticker_of_a_market_may_be_asked(tmp_path: Path, request_: Request) -> None:
    path = tmp_path / "session.jsonl"
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path) as recorder:
        recorder.answered(request_, Response(200, {}, b"{}"), recorder.begun())
    [line] = [x for x in read(path) if isinstance(x, Rest | Withheld)]
    assert isinstance(line, Rest)


IDS = (
    "market",
    "markets",
    "symbol",
    "asset",
    "slug",
    "questionID",
    "marketIDs",
    "tickers",
)


@pytest.mark.parametrize("name", IDS)
def test_what_a_venue_names_an_id_is_kept_whatever_it_looks_like(name: str) -> None:
    said = json.dumps({name: [MADE["hexadecimal of 16 bytes"](random.Random(1))]})
    assert Cleansing().suspects(said.encode()) == []


NAMED = {
    "a passcode": '{"passcode":"hunter-2"}',
    "in short": '{"user_pwd":"hunter-2"}',
    "a signed one": '{"jwt":"hunter-2"}',
    "of one use": '{"otp":"hunter-2","totp_code":"hunter-2"}',
    "whoever bears it": '{"bearer":"hunter-2"}',
    "of a chain": '{"privKey":"hunter-2","seed_phrase":"hunter zwei"}',
    "as Python writes it": """{"message":"{'password': 'hunter-2'}"}""",
    "below the name": '{"password":{"current":"hunter-2","more":[{"new":"hunter-2"}]}}',
    "an object below": '{"clientSecret":{"id":"hunter-2"}}',
    "with a colon": '{"message":"your password: hunter-2 is wrong"}',
    "a header in a text": '{"message":"sent Authorization: Bearer hunter-2"}',
    "in a form": '{"message":"got access_token=hunter-2 and more"}',
    "in a link": '{"message":"https://a.test/?session=hunter-2"}',
    "basic": '{"message":"authorization=Basic hunter-2"}',
    "in an address": '{"url":"https://user:hunter-2@toy.test/x"}',
    "in an address with other slashes": r'{"a":"wss:\/\/user:hunter-2@toy.test"}',
    "in an address with needless escapes": r'{"a":"wss://user:hunter-2\u0040toy.test"}',
    "in the address of a proxy": "no way by http://user:hunter-2@proxy:3128",
}


@pytest.mark.parametrize("said", NAMED.values(), ids=NAMED)
def test_a_secret_by_its_name_is_nowhere(tmp_path: Path, said: str) -> None:
    path = tmp_path / "session.jsonl"
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path) as recorder:
        recorder.told(recorder.opened("ws://toy.test/"), "in", [said])
    assert "hunter" not in plain(path).decode()
    # As in a cassette, which knows no secret.
    assert suspects("", {}, said.encode())


def test_a_number_of_one_use_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path) as recorder:
        recorder.told(1, "in", ['{"otp":123456,"note":1}'])
    [line] = [x for x in read(path) if isinstance(x, Frame)]
    assert line.body.data == b'{"otp":"REDACTED","note":1}'


COSTS = {
    "in a form": ("see x?api_key=hunter-2&y=1", "see x?api_key=REDACTED&y=1"),
    "behind a colon": ("my password: hunter-2 ok", "my password: REDACTED ok"),
    "a header": (
        "Authorization: Bearer hunter-2; more",
        "Authorization: Bearer REDACTED more",
    ),
    "in an address": (
        "https://user:hunter-2@toy.test/x",
        "https://user:REDACTED@toy.test/x",
    ),
}


@pytest.mark.parametrize(("text", "kept"), COSTS.values(), ids=COSTS)
def test_a_secret_in_a_text_costs_no_more_than_itself(
    tmp_path: Path, text: str, kept: str
) -> None:
    path = tmp_path / "session.jsonl"
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path) as recorder:
        recorder.told(1, "in", [json.dumps({"url": text, "b": 0.10})])
    [line] = [x for x in read(path) if isinstance(x, Frame)]
    assert json.loads(line.body.data)["url"] == kept
    assert b'"b": 0.1}' in line.body.data
