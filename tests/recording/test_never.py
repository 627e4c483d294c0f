"""What was named as secret is in no recording, however it is written there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from unified_exchanges import BadRequest, exchange
from unified_exchanges.flow import Request, Response
from unified_exchanges.recording import Frame, Opened, Recorder, Rest, Withheld, read
from unified_exchanges.testing import cassette

from .sessions import plain

URL = "http://127.0.0.1:1/trade-api/v2"
CLOB = "http://127.0.0.1:1"
HARD = "Zürich/<geheim>"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


ADDRESS = "my pass:word"
PARTLY = {
    "its spaces": "my%20pass:word",
    "its spaces as in a form": "my+pass:word",
    "its colon": "my pass%3aword",
    "a letter": "my%20p%61ss:word",
    "twice": "my%2520pass:word",
}


def told(path: Path, frame: str, never: list[str]) -> list[Frame | Withheld]:
    """What is recorded of a message of a stream."""
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=never) as recorder,
    ):
        recorder.told(recorder.opened("ws://toy.test/"), "in", [frame])
    return [line for line in read(path) if isinstance(line, Frame | Withheld)]


def told_data(path: Path, frame: str, never: list[str]) -> bytes:
    [line] = told(path, frame, never)
    assert isinstance(line, Frame)
    assert line.body.redacted
    return line.body.data


@pytest.mark.parametrize("secret", ["pass", "hunter2", "hunter22"])
def test_a_short_text_is_replaced_as_a_long_one_is(path: Path, secret: str) -> None:
    data = told_data(path, f'{{"type":"x","msg":{{"a":"{secret}"}}}}', [secret])
    assert data == b'{"type":"x","msg":{"a":"REDACTED"}}'


WRITINGS = {
    "plain": json.dumps(HARD, ensure_ascii=False),
    "escaped": json.dumps(HARD),
    "in capitals": json.dumps(HARD).replace("00fc", "00FC"),
    "with slashes": json.dumps(HARD).replace("/", r"\/"),
    "as by Go": json.dumps(HARD).replace("<", r"\u003c").replace(">", r"\u003e"),
    "within JSON": json.dumps(json.dumps(HARD)),
    "within JSON, plain": json.dumps(json.dumps(HARD, ensure_ascii=False)),
}


@pytest.mark.parametrize("written", WRITINGS.values(), ids=WRITINGS)
def test_a_text_is_replaced_however_json_escapes_it(path: Path, written: str) -> None:
    data = told_data(path, f'{{"note":{written}}}', [HARD])
    assert json.loads(data)["note"].strip('"') == "REDACTED"


def test_a_line_with_a_text_in_needless_escapes_is_withheld(path: Path) -> None:
    [line] = told(path, r'{"note":"\u0068unter2"}', ["hunter2"])
    assert isinstance(line, Withheld)
    assert line.where == ["field 'note'"]


def test_of_two_texts_of_which_one_has_the_other_nothing_is_left(path: Path) -> None:
    data = told_data(path, '{"note":"hunter2-hunter"}', ["hunter", "hunter2-hunter"])
    assert data == b'{"note":"REDACTED"}'


def test_a_text_in_an_address_is_replaced(path: Path) -> None:
    secret = "Zürich geheim"
    request = Request("GET", f"{URL}/portfolio/orders/{quote(secret)}")
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=[secret]) as recorder,
    ):
        recorder.answered(request, Response(404, {}, b"{}"), recorder.begun())
    [line] = [line for line in read(path) if isinstance(line, Rest)]
    assert line.path == "/trade-api/v2/portfolio/orders/REDACTED"


@pytest.mark.parametrize("written", PARTLY.values(), ids=PARTLY)
def test_a_text_that_an_address_escapes_in_part_is_nowhere(
    path: Path, written: str
) -> None:
    address = f"https://toy.test/{written}?q={written}"
    request = Request("GET", f"{URL}/a/b/{written}")
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=[ADDRESS]) as recorder,
    ):
        connection = recorder.opened(f"wss://toy.test/a/{written}/b")
        recorder.told(connection, "in", [f'{{"type":"x","next":"{address}"}}'])
        recorder.closed(connection, f"gone: {address}")
        recorder.answered(request, Response(404, {}, b"{}"), recorder.begun())
        refused = OSError(f"no way to {address}")
        recorder.unanswered(Request("GET", f"{URL}/a"), refused, recorder.begun())
        given = {"retry-after": written}
        recorder.answered(
            Request("GET", f"{URL}/a"), Response(404, given, b"{}"), recorder.begun()
        )
    lines = list(read(path))
    assert written not in str(lines)
    withheld = [x for x in lines if isinstance(x, Withheld)]
    kinds = ["opened", "frame", "closed", "rest", "unanswered", "rest"]
    assert [x.line for x in withheld] == kinds
    assert withheld[1].lost_on == 1
    [opened] = [x for x in lines if isinstance(x, Opened)]
    assert opened.url == "wss://toy.test"


def test_an_address_without_a_secret_is_kept(path: Path) -> None:
    frame = '{"next":"https://toy.test/?q=100%25+of+all","up":"3%"}'
    [line] = told(path, frame, [ADDRESS])
    assert isinstance(line, Frame)
    assert line.body.data == frame.encode()


@pytest.mark.parametrize(
    ("secret", "frame"),
    [
        ("179600", '{"type":"x","ts":1796001234567}'),
        ("179600", '{"type":"x","ts":"1796001234567","at":[1,179600]}'),
        ("true", '{"type":"x","is_block":true}'),
    ],
)
def test_a_line_that_would_be_no_json_any_more_is_withheld(
    path: Path, secret: str, frame: str
) -> None:
    [line] = told(path, frame, [secret])
    assert isinstance(line, Withheld)
    assert line.where == ["a number or a word outside the texts"]
    assert line.lost_on == 1


def test_what_was_no_json_need_not_become_any(path: Path) -> None:
    assert told_data(path, "at 179600 {", ["179600"]) == b"at REDACTED {"


def test_fields_named_like_secrets_are_replaced_in_json_within_json(path: Path) -> None:
    inner = {"apiKey": "2ef943c7-cbe0-7e84-fcd2-8c670eb33191", "secret": "abcdefgh"}
    data = told_data(path, json.dumps({"data": json.dumps(inner)}), [])
    assert json.loads(json.loads(data)["data"]) == {
        "apiKey": "REDACTED-KEY",
        "secret": "REDACTED",
    }


def test_a_secret_that_json_within_json_hides_deeper_is_replaced(path: Path) -> None:
    inner = json.dumps({"more": json.dumps({"secret": 'abcd"efgh\\', "b": 1})})
    data = told_data(path, json.dumps({"data": inner}), [])
    told = json.loads(json.loads(json.loads(data)["data"])["more"])
    assert told == {"secret": "REDACTED", "b": 1}


def test_a_text_that_only_looks_like_json_is_kept(path: Path) -> None:
    frame = r'{"note":"[to be \"announced\"]","secretary":null}'
    [line] = told(path, frame, [])
    assert isinstance(line, Frame)
    assert line.body.data == frame.encode()


def test_numbers_named_like_secrets_are_replaced(path: Path) -> None:
    data = told_data(path, '{"password":12345678, "token" : 123456}', [])
    assert data == b'{"password":"REDACTED", "token" : "REDACTED"}'


def test_numbers_that_are_no_secrets_are_kept(path: Path) -> None:
    frame = '{"session":1,"token_price":0.12345,"is_token":true,"size":12345678}'
    [line] = told(path, frame, [])
    assert isinstance(line, Frame)
    assert line.body.data == frame.encode()


def test_a_number_that_is_a_secret_within_json_is_replaced(path: Path) -> None:
    data = told_data(path, r'{"data":"{\"password\": 12345678}"}', [])
    assert data == rb'{"data":"{\"password\": \"REDACTED\"}"}'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "in which nothing is"),
        ("   ", "in which nothing is"),
        ("abc", "at least 4"),
        (" ab ", "at least 4"),
        ("1796", "a number of 4 characters.*at least 6"),
        ("17.96", "a number of 5 characters.*at least 6"),
        ("REDACT", "cannot be replaced"),
        ("key-\ud800", "no Unicode"),
    ],
)
def test_a_text_that_cannot_be_replaced_is_refused_and_nothing_is_begun(
    path: Path, text: str, wanted: str
) -> None:
    with (
        exchange("kalshi", environment=URL) as ex,
        pytest.raises(BadRequest, match=wanted),
    ):
        Recorder(ex, path, never=["hunter2", text])
    assert not path.exists()


def test_a_cassette_refuses_an_empty_text_as_well(tmp_path: Path) -> None:
    how: dict[str, Any] = {"never": [""]}
    with (
        pytest.raises(BadRequest, match="in which nothing is"),
        cassette(tmp_path / "a.yaml", "record", **how),
    ):
        pytest.fail("nothing is recorded")


KEY = "2c7cd1a94be03f58" * 4
SPELLINGS = {
    "as given": "0x" + KEY,
    "bare": KEY,
    "in capitals": "0x" + KEY.upper(),
    "bare in capitals": KEY.upper(),
}


def recorded_of(path: Path, told: str, **how: Any) -> str:
    """All that is recorded of a message under names of what is public."""
    frame = json.dumps({"event_type": "x", "hash": told, "market": told})
    with (
        exchange("polymarket", environment=CLOB, **how) as ex,
        Recorder(ex, path) as recorder,
    ):
        connection = recorder.opened("ws://toy.test/")
        recorder.told(connection, "in", [frame])
        recorder.told(connection, "out", [frame])
        recorder.closed(connection, f"no {told}")
    return plain(path).decode()


@pytest.mark.parametrize("told", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("given", SPELLINGS.values(), ids=SPELLINGS)
def test_the_key_of_a_wallet_is_known_however_it_is_spelled(
    path: Path, given: str, told: str
) -> None:
    assert KEY[:16] not in recorded_of(path, told, private_key=given).lower()


@pytest.mark.parametrize("way", ["variable", "file", "file's name", "path in variable"])
def test_the_key_of_a_wallet_is_known_wherever_it_was_found(
    path: Path, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wallet.key"
    file.write_text(f"0x{KEY}\n")
    file.chmod(0o600)
    how: dict[str, Any] = {}
    if way == "variable":
        monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", f" {KEY}")
    elif way == "path in variable":
        monkeypatch.setenv("POLYMARKET_PRIVATE_KEY_PATH", str(file))
    else:
        how["private_key"] = file if way == "file" else str(file)
    assert KEY not in recorded_of(path, KEY, **how)


def test_the_password_of_a_key_is_known_that_is_in_a_variable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PASSWORD", "tr0ub4dor")
    assert told_data(path, '{"note":"tr0ub4dor"}', []) == b'{"note":"REDACTED"}'
