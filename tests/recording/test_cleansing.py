"""What a venue says is known by its name for a secret, there alone, and at what cost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from unified_exchanges import BadRequest, exchange
from unified_exchanges.flow import Request, Response
from unified_exchanges.recording import Frame, Recorder, Rest, Withheld, read
from unified_exchanges.recording.cleansing import Cleansing
from unified_exchanges.recording.suspicion import leaves

from .sessions import plain

URL = "http://127.0.0.1:1/trade-api/v2"
CLOB = "http://127.0.0.1:1"
TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
RANDOM = "Zx81kQpL0sMv29dYtRb7Wc4E"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def lines_of(
    path: Path,
    *told: str,
    answer: tuple[str, str] | None = None,
    never: list[str] | None = None,
) -> list[Frame | Rest | Withheld]:
    """What is recorded of an answer to a path, and then of messages of a stream."""
    with (
        exchange("polymarket", environment=CLOB) as ex,
        Recorder(ex, path, never=never or []) as recorder,
    ):
        if answer is not None:
            request = Request("GET", f"{CLOB}{answer[0]}")
            got = Response(200, {}, answer[1].encode())
            recorder.answered(request, got, recorder.begun())
        connection = recorder.opened("ws://toy.test/market")
        recorder.told(connection, "in", list(told))
    return [x for x in read(path) if isinstance(x, Frame | Rest | Withheld)]


def bodies(lines: list[Frame | Rest | Withheld]) -> list[str]:
    return [
        x.where[0] if isinstance(x, Withheld) else x.body.data.decode() for x in lines
    ]


# -- what is learned --------------------------------------------------------------------


def test_an_id_that_an_answer_calls_a_token_is_kept_there_and_ever_after(
    path: Path,
) -> None:
    said = json.dumps([{"token": TOKEN, "holders": []}])
    book = json.dumps({"event_type": "book", "asset_id": TOKEN})
    lines = lines_of(path, book, answer=("/data/holders", said))
    assert bodies(lines) == [said, book]
    assert not any(x.body.redacted for x in lines if not isinstance(x, Withheld))


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "0x" + "5f4dcc3b5aa765d6" * 4,
        "0x435B159C72a98628e32ada7530a4Bd7275475731",
    ],
)
def test_a_public_token_is_no_secret(path: Path, text: str) -> None:
    said = json.dumps({"token": text})
    assert bodies(lines_of(path, said)) == [said]


def test_a_private_key_of_a_chain_is_one_whatever_it_looks_like(path: Path) -> None:
    said = json.dumps({"private_key": "0x" + "5f4dcc3b5aa765d6" * 4})
    assert bodies(lines_of(path, said)) == ['{"private_key": "REDACTED"}']


def test_a_value_is_blanked_where_it_is_called_a_secret_and_nowhere_else(
    path: Path,
) -> None:
    said = '{"session":"a-long-session"}', '{"title":"a-long-session"}'
    assert bodies(lines_of(path, *said)) == ['{"session":"REDACTED"}', said[1]]


def test_what_a_venue_gives_as_credentials_is_nowhere_after(path: Path) -> None:
    given = (
        '{"apiKey":"key-0815-1","secret":"c2VjcmV0LTA4MTU=","passphrase":"pass-0815"}'
    )
    later = '{"a":"key-0815-1","b":["c2VjcmV0LTA4MTU=","pass-0815"]}'
    lines = lines_of(path, later, answer=("/clob/auth/derive-api-key", given))
    assert bodies(lines) == [
        '{"apiKey":"REDACTED-KEY","secret":"REDACTED","passphrase":"REDACTED"}',
        '{"a":"REDACTED-KEY","b":["REDACTED","REDACTED"]}',
    ]


def test_what_the_account_tells_a_stream_is_nowhere_after(path: Path) -> None:
    asked = '{"auth":{"apiKey":"key-0815-1","secret":"c2VjcmV0LTA4MTU="},"type":"user"}'
    with (
        exchange("polymarket", environment=CLOB) as ex,
        Recorder(ex, path) as recorder,
    ):
        connection = recorder.opened("ws://toy.test/user")
        recorder.told(connection, "out", [asked])
        recorder.told(connection, "in", ['{"said":"c2VjcmV0LTA4MTU="}'])
    assert "c2VjcmV0" not in plain(path).decode()
    assert [x for x in read(path) if isinstance(x, Withheld)] == []


def test_what_is_learned_does_not_pile_up() -> None:
    cleansing = Cleansing()
    for number in range(100):
        cleansing.clean(b'{"session_token":"sess-%08d"}' % number)
    kept = b'{"a":"sess-00000001"}'
    assert cleansing.clean(kept) == kept


# -- names ------------------------------------------------------------------------------

IN_NAMES = {
    "needless escapes": r'{"hunter\u00322":1}',
    "within JSON": r'{"v":"{\"hunter\\u00322\":1}"}',
    "above a secret": r'{"hunter\u00322":"-----BEGIN PRIVATE KEY-----"}',
    "random": f'{{"{RANDOM}":1}}',
}


@pytest.mark.parametrize("said", IN_NAMES.values(), ids=IN_NAMES)
def test_a_secret_in_a_name_is_withheld_and_not_told(
    path: Path, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    [line] = lines_of(path, said, never=["hunter22"])
    assert isinstance(line, Withheld)
    assert "the name of a field" in line.where
    for text in (plain(path).decode(), caplog.text):
        assert "hunter" not in text
        assert RANDOM not in text


ELSEWHERE = {
    "an object below a name": '{"api_key":{"value":"hunterzwei"}}',
    "a name as a value": '{"name":"password","value":"hunterzwei"}',
    "a header": '{"headers":[["Authorization","Bearer hunterzwei"]]}',
    "a form": '{"x":"password=hunterzwei&y=1"}',
    "a form alone": "y=1&api_key=hunterzwei",
    "JSON after a text": r'{"x":"note {\"password\":\"hunterzwei\"} end"}',
    "in needless escapes": r'{"x":"note {\u0022password\u0022:\u0022hunterzwei\u0022}"}',
    "deep": json.dumps({"x": json.dumps(json.dumps({"secret": "hunterzwei"}))}),
    "a list": '{"passwords":["hunterzwei","hunterzwei"]}',
    "a list in a list": '{"passwords":[["hunterzwei"],["REDACTED"]]}',
    "a text that was cut": r'{"x":"{\"password\":\"hunterzwei"}',
}


@pytest.mark.parametrize("said", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_secret_by_its_name_is_nowhere(path: Path, said: str) -> None:
    lines_of(path, said)
    assert "hunterzwei" not in plain(path).decode()


PUBLIC = (
    '{"tokens":[{"outcome":"Yes","price":"0.5"}],"api_keys":[{"name":"mine"}]}',
    '{"name":"Will it pass?","value":"a text"}',
    '{"outcomes":["Secretary","Password"],"pair":["a","b"]}',
    '{"x":"a=b and \\"c\\": d"}',
)


@pytest.mark.parametrize("said", PUBLIC)
def test_what_only_speaks_of_secrets_is_kept(path: Path, said: str) -> None:
    assert bodies(lines_of(path, said)) == [said]


def test_what_is_nested_deeper_than_calls_may_be_is_looked_through() -> None:
    content: list[object] = ["deep"]
    for _ in range(20_000):
        content = [content]
    assert [x.text for x in leaves(content)] == ["deep"]


# -- what looks random ------------------------------------------------------------------

LINK = f"https://docs.toy.test/d/{RANDOM}/edit"


def test_a_random_word_costs_its_text_and_not_the_answer(path: Path) -> None:
    said = json.dumps([{"id": "a", "rules": f"see {LINK} for more"}, {"id": "b"}])
    [line] = lines_of(path, answer=("/gamma/markets", said))
    assert isinstance(line, Rest)
    assert json.loads(line.body.data) == [
        {"id": "a", "rules": "see REDACTED for more"},
        {"id": "b"},
    ]
    assert line.body.redacted


def test_a_random_word_in_json_within_json_costs_its_text_alone(path: Path) -> None:
    inner = json.dumps({"price": 0.10, "rules": LINK})
    [line] = lines_of(path, json.dumps({"data": inner, "b": ["é\n"]}))
    assert isinstance(line, Frame)
    told = json.loads(line.body.data)
    assert told["data"] == '{"price": 0.1, "rules": "REDACTED"}'
    assert told["b"] == ["é\n"]


def test_signs_around_a_random_word_are_covered_with_it(path: Path) -> None:
    said = json.dumps({"a": f"so/short/{RANDOM}/rest/of/it +1"})
    assert bodies(lines_of(path, said)) == ['{"a": "REDACTED +1"}']


@pytest.mark.parametrize("name", ["profileImage", "contractUrl", "txHash", "eventId"])
def test_a_public_name_may_be_written_in_one_word(path: Path, name: str) -> None:
    said = json.dumps({name: LINK})
    assert bodies(lines_of(path, said)) == [said]


def test_a_random_word_that_is_asked_is_withheld(path: Path) -> None:
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path) as recorder:
        request = Request("POST", f"{URL}/orders", body=b'{"a":"%b"}' % RANDOM.encode())
        recorder.answered(request, Response(200, {}, b"{}"), recorder.begun())
    [line] = [x for x in read(path) if isinstance(x, Rest | Withheld)]
    assert isinstance(line, Withheld)
    assert line.about == "POST /trade-api/v2/orders"


# -- numbers ----------------------------------------------------------------------------

NUMBERS = (
    '{"size":"123456.50"}',
    '{"size":"123456"}',
    f'{{"asset_id":"{TOKEN[:20]}123456{TOKEN[26:]}"}}',
    '{"market":"0x%s"}' % ("a1234560" * 8),
    '{"timestamp":"1796123456123"}',
    '{"market_ticker":"KX123456-A"}',
    '{"tokenIds":["123456-A"]}',
)


@pytest.mark.parametrize("said", NUMBERS)
def test_a_number_or_an_id_with_a_secret_in_it_is_withheld(
    path: Path, said: str
) -> None:
    [line] = lines_of(path, said, never=["123456"])
    assert isinstance(line, Withheld)
    assert line.lost_on == 1


def test_a_number_in_a_path_or_a_query_is_withheld_too(path: Path) -> None:
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=["123456"]) as recorder,
    ):
        for request in (
            Request("GET", f"{URL}/orders/91234569"),
            Request("GET", f"{URL}/orders", (("at", "91234569"),)),
        ):
            recorder.answered(request, Response(200, {}, b"{}"), recorder.begun())
    withheld = [x for x in read(path) if isinstance(x, Withheld)]
    assert [x.about for x in withheld] == [
        "GET /trade-api/v2",
        "GET /trade-api/v2/orders",
    ]
    assert "123456" not in plain(path).decode()


def test_a_secret_of_digits_is_replaced_where_a_name_tells_it(path: Path) -> None:
    said = '{"password":"123456","note":"call 123456 now","owner":"123456"}'
    assert bodies(lines_of(path, said, never=["123456"])) == [
        '{"password":"REDACTED","note":"call REDACTED now","owner":"REDACTED"}'
    ]


WITHHELD = {
    "JSON in a text that would be none any more": (
        r'{"x":"{\"n\":12345678,\"b\":\"x\"}"}',
        "a text that is not what it was",
    ),
    "what is escaped again and again": (
        '{"x":"%' + "25" * 20 + '31"}',
        "field 'x'",
    ),
}


@pytest.mark.parametrize(("said", "where"), WITHHELD.values(), ids=WITHHELD)
def test_what_nobody_could_read_any_more_is_withheld(
    path: Path, said: str, where: str
) -> None:
    [line] = lines_of(path, said, never=["12345678"])
    assert isinstance(line, Withheld)
    assert line.where == [where]


# -- the address of the venue -----------------------------------------------------------

BASES = {
    "never": (
        "http://127.0.0.1:1/gw/hunter2-gateway/trade-api/v2",
        ["hunter2-gateway"],
    ),
    "random": (f"http://127.0.0.1:1/gw/{RANDOM}/trade-api/v2", []),
    "at first": (f"http://127.0.0.1:1/{RANDOM}/x/trade-api/v2", []),
    "in the host": ("https://hunter2.toy.test/trade-api/v2", ["hunter2"]),
}


@pytest.mark.parametrize(("base", "never"), BASES.values(), ids=BASES)
def test_an_address_with_a_secret_is_refused_and_nothing_is_begun(
    path: Path, base: str, never: list[str]
) -> None:
    with (
        exchange("kalshi", environment=base) as ex,
        pytest.raises(BadRequest, match="an address of the environment") as caught,
    ):
        Recorder(ex, path, never=never)
    assert "hunter2" not in str(caught.value)
    assert not path.exists()


def test_a_withheld_path_is_named_no_further_than_the_address(path: Path) -> None:
    with exchange("polymarket", environment=CLOB) as ex, Recorder(ex, path) as recorder:
        request = Request("GET", f"{CLOB}/{RANDOM}/x")
        recorder.answered(request, Response(200, {}, b"{}"), recorder.begun())
    [line] = [x for x in read(path) if isinstance(x, Withheld)]
    assert line.about == "GET "
    assert line.where == ["the path"]


# -- time -------------------------------------------------------------------------------

_LONG = {
    "JSON in a string": lambda n: json.dumps(
        {"token_id": "1", "msg": json.dumps([{"outcome": "Yes", "size": "120"}] * n)}
    ),
    "quotes": lambda n: '{"token":"' + '\\"' * 20 * n,
    "backslashes": lambda n: '{"token":"' + "\\" * 40 * n,
    "names without an end": lambda n: '"token":' * 8 * n,
    "signed tokens": lambda n: '["token", "' + "-eyJaaaaaaaaaaaa" * 4 * n + '"]',
    "letters before a slash": lambda n: '{"token":"' + "Ab1" * 15 * n + '/"}',
    "passwords": lambda n: '{"token":"' + "password:" * 5 * n + '"}',
    "addresses": lambda n: '{"token":"' + "://a:" * 9 * n + '@"}',
    "escapes": lambda n: '{"token_id":"%' + "25" * 20 * n + '"}',
    "escapes of any text": lambda n: '{"note":"%' + "25" * 20 * n + '"}',
    "escapes in a path": lambda n: '{"note":"%' + "25/%25%2525252F" * 3 * n + '"}',
}


@pytest.mark.parametrize("make", _LONG.values(), ids=_LONG)
def test_sixteen_times_as_much_takes_about_sixteen_times_as_long(
    make: object,
) -> None:
    """It holds the interpreter: by the square, 256 times, all threads would stand still."""
    assert callable(make)

    def seconds(count: int) -> float:
        data = make(count).encode()
        cleansing = Cleansing("k" * 36, ["hunter22"])

        def once() -> float:
            began = time.thread_time()
            cleansing.suspects(cleansing.clean(data))
            return time.thread_time() - began

        return min(once() for _ in range(5))

    assert seconds(1_600) / seconds(100) < 64
