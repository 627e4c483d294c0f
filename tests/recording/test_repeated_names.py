"""A name may stand twice in JSON: readers go by the last, secrets are looked for in all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unified_exchanges import exchange
from unified_exchanges.flow import Request, Response
from unified_exchanges.recording import Recorder, read
from unified_exchanges.recording.damage import damage
from unified_exchanges.testing.redaction import redact_body, suspects

from .sessions import plain

URL = "http://127.0.0.1:1/trade-api/v2"
NEVER = "tr0ub4dor"
SECRETS = {
    "a key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQ",
    "random": "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5",
    "one that it names": "password=hunter22x",
    "one in escapes of addresses": "".join(f"%{ord(x):02x}" for x in NEVER),
    "one in escapes of JSON": "".join(f"\\u{ord(x):04x}" for x in NEVER),
}
TWICE = {
    "beside": '{"type":"x","msg":{"text":"%s","text":"x"}}',
    "above": '{"type":"x","msg":{"text":"%s"},"msg":{}}',
    "thrice": '{"type":"x","text":1,"text":["%s"],"text":null}',
    "in a list": '[{"text":"%s","te\\u0078t":"x"}]',
}


@pytest.mark.parametrize("twice", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_in_the_first_of_two_fields_of_one_name_is_not_recorded(
    secret: str, twice: str, tmp_path: Path
) -> None:
    said = twice % secret
    path = tmp_path / "session.jsonl"
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=[NEVER]) as recorder,
    ):
        connection = recorder.opened("ws://toy.test/")
        for way in ("in", "out"):
            recorder.told(connection, way, [said])
        for body in (said, json.dumps({"data": said})):
            asked = Request("GET", f"{URL}/markets")
            told = Response(200, {}, body.encode())
            recorder.answered(asked, told, recorder.begun())
    assert len([*read(path)]) == 7
    kept = plain(path).decode()
    assert secret[-9:] not in kept


def test_what_the_first_of_two_fields_calls_its_value_counts() -> None:
    told = b'{"name":"x-api-key","name":"x","value":"abc"}'
    assert suspects("", {}, told) == ["field 'x-api-key'"]


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (b'{"token":"ab","token":1}', b'{"token":"REDACTED","token":1}'),
        # Not found in place: of such, the last is all that is kept.
        (rb'{"se\u0063ret":"ab","secret":null}', b'{"secret": null}'),
    ],
)
def test_a_cassette_covers_the_first_as_well(told: bytes, wanted: bytes) -> None:
    assert redact_body(told) == wanted


def test_two_fields_of_one_name_without_a_secret_stay_as_they_are() -> None:
    body = b'{"a":1,"a":{"b":[2,"x"]}}'
    assert redact_body(body) == body
    assert suspects("", {}, body) == []


def test_what_is_replaced_in_the_first_damages_it_as_well() -> None:
    told, cleansed = b'{"id":"abcd","id":"x"}', b'{"id":"REDACTED","id":"x"}'
    assert damage(told, cleansed) == ["a number or an id in a text"]
