"""A YAML document is read as PyYAML reads it, also where that is left to PyYAML."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from vcr.serializers.yamlserializer import serialize

from unified_exchanges.replaying.document import read_document

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates(min_value=date(1000, 1, 1))
    | st.sampled_from(
        ["yes", "1", "0x1F", "1:30", "~", "", "2026-11-24", "<<", "=", "!"]
    )
)
contents = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)

DOCUMENTS = [
    "",
    "---\n",
    "a: 1\na: 2\n",
    "a: &x [1]\nb: *x\n",
    "a: &x {b: 1}\nc: {<<: *x, d: 2}\n",
    "<<: {a: 1}\n",
    "a: !!str 1\nb: !!int '2'\nc: ! 3\nd: !!binary aGk=\n",
    "a: !!set {b, c}\n",
    "a: !!omap [b: 1]\n",
    "[yes, No, on, 0o7, 017, 0b1, 1_000, 1:30, .5, 1e3, .inf, ~, null, 2026-11-24]",
    "a: 2026-11-24T10:00:00Z\nb: 2026-11-24 10:00:00.5 +02:00\n",
    "text: |\n  one\n  two\nfolded: >\n  one\n  two\n",
    "%YAML 1.1\n---\na: 1\n...\n",
    "# nothing but a remark\n",
    "é: ü\n",
    "a:\nb: 1\n",
    "a:\n- b:\n  c:\n- d:\n",
]
BROKEN = [
    "a: 1\n---\nb: 2\n",
    "a: [1\n",
    "a: *nobody\n",
    "a: !!python/object:os.system x\n",
    "a: =\n",
    "a: !unknown x\n",
    "? [1, 2]\n: 3\n",
    "{[1]: 2}\n",
    "a: \x00\n",
    f"{'k' * 1_030}: 1\n",
    "a:\n  b: 1\n  - c:\n",
    "[" * 5_000,
]


def is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and bool(one == other)


def without_c() -> Any:
    names = {x: y for x, y in vars(yaml).items() if x != "CSafeLoader"}
    return SimpleNamespace(**names)


@given(
    contents,
    st.sampled_from([None, '"', "'", "|"]),
    st.sampled_from([True, False, None]),
)
def test_what_was_written_is_read(
    told: Any, style: str | None, is_flat: bool | None
) -> None:
    text = yaml.safe_dump(
        told, default_style=style, default_flow_style=is_flat, allow_unicode=True
    )
    expected = yaml.safe_load(text)
    found = read_document(yaml, text.encode())
    assert is_same(found, expected)
    assert repr(found) == repr(expected)


LIBRARIES = [
    pytest.param(yaml, id="with C"),
    pytest.param(without_c(), id="without C"),
]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_document_is_what_pyyaml_makes_of_it(text: str, library: Any) -> None:
    assert repr(read_document(library, text.encode())) == repr(yaml.safe_load(text))


@pytest.mark.parametrize("text", BROKEN)
def test_what_pyyaml_cannot_read_raises_the_same(text: str) -> None:
    data = text.encode()
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whichever it is
        yaml.load(data, yaml.CSafeLoader)
    with pytest.raises(type(expected.value)):
        read_document(yaml, data)


# -- what vcrpy writes -------------------------------------------------------------------

said = (
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
    | st.text()
    | st.lists(
        st.sampled_from(["it's", '"a"', "a:", "#1", "-", "word" * 9, "", "\n"]),
        max_size=40,
    ).map(" ".join)
)
bodies = st.none() | said | st.binary()
# Others, such as "No", are quoted: no header has such a name.
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{5,20}", fullmatch=True)
headers = st.dictionaries(
    names,
    st.lists(said, max_size=2),
    max_size=3,
)
readings = st.lists(st.floats(1e9, 2e9), max_size=2)
requests = st.fixed_dictionaries(
    {
        "body": bodies,
        "headers": headers,
        "method": st.sampled_from(["GET", "POST"]),
        "uri": said,
    }
)
answers = st.fixed_dictionaries(
    {
        "body": st.fixed_dictionaries({"string": bodies}),
        "headers": headers,
        "status": st.fixed_dictionaries(
            {"code": st.integers(-1, 599), "message": st.none() | said}
        ),
    },
    optional={"clock_before": readings, "url": said},
)
cassettes = st.lists(
    st.fixed_dictionaries({"request": requests, "response": answers}),
    min_size=1,
    max_size=3,
).map(lambda pairs: {"interactions": pairs, "version": 1})


def in_pieces() -> Any:
    """PyYAML that is given no whole document."""

    def load(data: str | bytes, *_: Any, **how: Any) -> Any:
        assert isinstance(data, str)
        return yaml.load(data, **how)  # noqa: S506 - the loader is a safe one

    return SimpleNamespace(**{**vars(yaml), "load": load})


@given(cassettes)
def test_a_cassette_of_vcrpy_is_read_line_by_line(told: Any) -> None:
    text = serialize(told)
    assert read_document(in_pieces(), text.encode()) == told


def test_what_is_empty_twice_is_not_one_thing() -> None:
    found = read_document(in_pieces(), b"a: {}\nb: {}\nc: []\nd: []\n")
    assert found["a"] is not found["b"]
    assert found["c"] is not found["d"]


# -- what else may stand in lines --------------------------------------------------------

PLAIN = ["a", "null", "yes", "1.5", "1:30", "-x", "?x", ":x", "~", "$a", "a#", "x" * 99]
FOLDED = ["a\n        b", "a\n        - b", "'a\n        b'", '"a\\\n        b"']
QUOTED = [
    "''",
    "'it''s'",
    "'a: b #'",
    '"\\xe9 \\n"',
    "{}",
    "[]",
    "!!binary |\n        aGk=",
]
STRANGE = [
    *("a: b", "a:", "a #b", "a ", "  a", "- a", "? a", "#", "&x a", "*x", "<<", "="),
    *("'a", "a'", "'''", "'a'x", "'a' #b", '"a', '"\\q"', '"a\\"', "{a: b}", "{", "[a"),
    *("!!str a", "!!binary aGk=", "! a", "|\n        a", ">-\n        a", "%a", "@a"),
    *(
        "a\n    b",
        "a\n\n        b",
        "a \n        b",
        "a\n        b: c",
        "a\n        # b",
    ),
    *("a:\n        b", "a\nb", "'a\nb'", "'a \n  b'", "'a\n\n\n b'", "'\n a\n '", "`a"),
    *("'a\n---\n'", '"a\n...\n"', '"a\n\n b"', "!!binary |\n        aGk=\n      aGk="),
    *(
        "!!binary |\n a",
        "2026-13-45",
        "09",
        "...",
        "---",
        "a\tb",
        "a\r",
        "\x85",
        "é",
        "]",
    ),
]
values = st.sampled_from([*PLAIN * 4, *FOLDED * 4, *QUOTED * 4, *STRANGE]) | st.text(
    "ab:#- '\"\\\n,[]{}!&*|>?%@=<01", min_size=1
)
keys = st.sampled_from(
    [*"abc" * 9, "yes", "null", "x-y", "<<", "1", "'a'", "é", "k" * 1_030]
)
dashes = st.sampled_from(["", "", "- "])
indents = st.sampled_from(["", *["  ", "    ", "      "] * 4, " ", "   "])
lines = st.one_of(
    st.builds("{}{}{}:\n".format, indents, dashes, keys),
    st.builds("{}{}: {}\n".format, indents, keys, values),
    st.builds("{}- {}\n".format, indents, values),
    st.builds("{}{}{}: {}\n".format, indents, dashes, keys, values),
)


@st.composite
def blocks(draw: st.DrawFn, indent: str = "", dash: str = "") -> str:
    """Lines of a mapping, each where it belongs, of which an element may hold the first."""
    text = ""
    for number in range(draw(st.integers(1, 3))):
        begin = indent if number or not dash else dash
        kinds = ["value", "mapping", "elements", "mappings"]
        kind = draw(st.sampled_from(kinds if len(indent) < 8 else kinds[::2]))
        if kind == "value":
            text += f"{begin}{draw(keys)}: {draw(values)}\n"
            continue
        text += f"{begin}{draw(keys)}:\n"
        deeper = indent + draw(st.sampled_from(["  ", "  ", "    ", " "]))
        at = draw(st.sampled_from([indent, indent, deeper]))
        if kind == "mapping":
            text += draw(blocks(deeper))
        elif kind == "elements":
            text += f"{at}- {draw(values)}\n"
        else:
            text += draw(blocks(f"{at}  ", f"{at}- "))
    return text


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return repr(read())
    except Exception as error:  # noqa: BLE001 - given back
        return type(error)


def check(library: Any, text: str) -> None:
    data = text.encode()
    kind = getattr(library, "CSafeLoader", library.SafeLoader)
    expected = outcome(lambda: yaml.load(data, kind))  # noqa: S506 - a safe one
    assert outcome(lambda: read_document(library, data)) == expected


FRAMES = [
    "a: {}\n",
    "a: {}\nb: 1\n",
    "a:\n- {}\n- {}\nb: 1\n",
    "a:\n- b:\n    c: {}\n    d:\n    - {}\n    - 1\n  e: 1\n",
    "a:\n  b: {}\n   c: 1\n",
    "a:\n  b:\n    c: {}\n   d: 1\n",
    "a:\n  - {}\n b: 1\n",
    "a:\n- {}\n - 1\n",
    "a:\n- b: {}\n  c: 1\n",
    "{}: 1\n",
]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("frame", FRAMES)
def test_each_scalar_is_read_as_pyyaml_reads_it(library: Any, frame: str) -> None:
    for value in (*PLAIN, *FOLDED, *QUOTED, *STRANGE):
        check(library, frame.replace("{}", value))


@pytest.mark.parametrize("library", LIBRARIES)
@given(
    st.lists(blocks() | lines, min_size=1, max_size=3).map("".join),
    st.sampled_from(["", "", "", "\n", "...\n", "# a\n", " "]),
)
def test_what_stands_in_lines_is_read_as_pyyaml_reads_it(
    library: Any, text: str, end: str
) -> None:
    check(library, f"{text}{end}")
