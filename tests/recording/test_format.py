"""What is written is what is read, also from a file that breaks off."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.recording import (
    Body,
    Closed,
    DamagedRecording,
    End,
    Frame,
    Header,
    Line,
    Opened,
    Rest,
    Torn,
    Unanswered,
    Withheld,
    read,
)
from unified_exchanges.recording.format import encode
from unified_exchanges.recording.opening import is_cassette

HEADER = Header(
    format=1,
    venue="toy",
    environment="local",
    library="0",
    rest="http://toy.test",
    at=1,
    mono=2,
)
NS = st.integers(0, 2**62)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
BYTES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())
BODIES = st.builds(Body.of, BYTES, redacted=st.booleans())
TEXT = st.text(max_size=20)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3)
MOMENT = {"at": NS, "mono": NS}
ASKED = {"method": TEXT, "host": TEXT, "path": TEXT, "query": PAIRS, "request": BODIES}
LINES = st.one_of(
    st.builds(
        Rest,
        **MOMENT,
        **ASKED,
        began=NS,
        elapsed=NS,
        status=st.integers(100, 599),
        headers=st.dictionaries(TEXT, TEXT, max_size=2),
        body=BODIES,
    ),
    st.builds(
        Unanswered,
        **MOMENT,
        **ASKED,
        began=NS,
        error=TEXT,
        reason=TEXT,
        sent=st.booleans(),
    ),
    st.builds(Opened, **MOMENT, connection=NS, url=TEXT),
    st.builds(
        Frame,
        **MOMENT,
        connection=NS,
        direction=st.sampled_from(["in", "out"]),
        body=BODIES,
    ),
    st.builds(Closed, **MOMENT, connection=NS, reason=TEXT),
    st.builds(Withheld, **MOMENT, line=TEXT, about=TEXT, where=st.lists(TEXT)),
)
ENDS = st.lists(st.builds(End, **MOMENT, lines=NS, withheld=NS), max_size=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def written(*lines: Line) -> bytes:
    return b"".join(encode(line) for line in (HEADER, *lines))  # type: ignore[arg-type]


def frame(text: bytes) -> Frame:
    return Frame(at=3, mono=4, connection=1, direction="in", body=Body.of(text))


def bodies(line: Line) -> list[bytes]:
    return [
        body.data
        for name in ("request", "body")
        if (body := getattr(line, name, None)) is not None
    ]


@given(told=st.lists(LINES, max_size=8), end=ENDS, packed=st.booleans())
def test_what_is_read_is_what_was_written(
    told: list[Line],
    end: list[Line],
    packed: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lines = [*told, *end]
    path = tmp_path_factory.getbasetemp() / "property.jsonl"
    content = written(*lines)
    path.write_bytes(gzip.compress(content) if packed else content)
    found = list(read(path))
    assert list(map(msgspec.to_builtins, map(_comparable, found))) == list(
        map(msgspec.to_builtins, map(_comparable, [HEADER, *lines]))
    )
    assert list(map(bodies, found)) == list(map(bodies, [HEADER, *lines]))


def _comparable(line: Line) -> Line:
    """Without bodies, whose JSON is compared as bytes."""
    names = {"request", "body"} & set(line.__struct_fields__)
    return msgspec.structs.replace(line, **dict.fromkeys(names, None))


@given(BYTES)
def test_a_body_is_kept_byte_by_byte(data: bytes) -> None:
    assert Body.of(data).data == data


def test_numbers_stay_as_the_venue_wrote_them(path: Path) -> None:
    told = b'{"price": 0.10, "size": 1e2, "big": 12345678901234567890.1234567890}'
    path.write_bytes(written(frame(told)))
    assert [line.body.data for line in read(path) if isinstance(line, Frame)] == [told]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_file_that_ends_within_a_line_is_read_up_to_it(
    path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    last = frame(b'{"a": 1}')
    content = written(frame(b"1"), last)
    path.write_bytes(content[:-cut])
    with caplog.at_level(logging.WARNING):
        found = list(read(path))
    assert [type(line) for line in found] == [Header, Frame, Torn]
    assert found[-1] == Torn(len(encode(last)) - cut)
    assert "ends within line 3" in caplog.text


@pytest.mark.parametrize("kept", [0.01, 0.6, 0.999])
def test_a_compressed_file_that_breaks_off_is_damaged(path: Path, kept: float) -> None:
    """No recorder leaves one: it compresses beside, and puts in place what is whole."""
    content = gzip.compress(written(*[frame(b"%d" % n) for n in range(20_000)]))
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DamagedRecording, match="a part of a compressed file"):
        list(read(path))


def test_compressed_data_that_were_changed_are_damaged(path: Path) -> None:
    content = bytearray(gzip.compress(written(*[frame(b"%d" % n) for n in range(99)])))
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DamagedRecording):
        list(read(path))


def test_a_line_in_the_middle_that_cannot_be_read_is_named(path: Path) -> None:
    path.write_bytes(written() + b"{nonsense\n" + encode(frame(b"1")))
    with pytest.raises(DamagedRecording, match="line 2 cannot be read"):
        list(read(path))


def test_a_later_version_is_refused_whatever_its_header_holds(path: Path) -> None:
    path.write_bytes(b'{"kind":"prelude","format":2}\n')
    with pytest.raises(DamagedRecording, match="version 2"):
        list(read(path))
    path.write_bytes(encode(msgspec.structs.replace(HEADER, format=9)))
    with pytest.raises(DamagedRecording, match="version 9"):
        list(read(path))


@pytest.mark.parametrize("content", [b"", b"interactions:\n- request\n", b"{"])
def test_another_file_is_no_recording(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DamagedRecording):
        list(read(path))


def test_a_second_header_is_no_line_of_a_recording(path: Path) -> None:
    path.write_bytes(written(HEADER))
    with pytest.raises(DamagedRecording, match="line 2"):
        list(read(path))


def test_a_line_after_the_end_is_damage(path: Path) -> None:
    ended = written(frame(b"1"), End(HEADER.at, 0, lines=2, withheld=0))
    for more in (encode(frame(b"2")), b"\n", b'{"kind":'):
        path.write_bytes(ended + more)
        with pytest.raises(DamagedRecording, match="line 4 comes after the end"):
            list(read(path))


TAPE = {"interactions": [], "version": 1}
CASSETTES = {
    "YAML": b"interactions:\n- request\n",
    "JSON": json.dumps(TAPE).encode(),
    "JSON with a mark of its encoding": b"\xef\xbb\xbf" + json.dumps(TAPE).encode(),
    "JSON with lines": json.dumps(TAPE, indent=1).encode(),
    "JSON with another key first": json.dumps({"note": "x" * 9000, **TAPE}).encode(),
    "JSON with a far key": json.dumps({"note": "x" * 3_000_000, **TAPE}).encode(),
}


@pytest.mark.parametrize("content", CASSETTES.values(), ids=CASSETTES)
def test_a_cassette_is_told_as_one(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DamagedRecording, match="is a cassette, which holds answers"):
        list(read(path))


def test_a_compressed_cassette_that_breaks_off_is_told_as_a_part(path: Path) -> None:
    path.write_bytes(gzip.compress(CASSETTES["YAML"])[:-9])
    for reading in (lambda: list(read(path)), lambda: is_cassette(path)):
        with pytest.raises(DamagedRecording, match="a part of a compressed file"):
            reading()


@pytest.mark.parametrize("content", [b'{"note": "x"}', b'{"kind":"header","format":1}'])
def test_other_json_is_no_cassette(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert not is_cassette(path)
