"""A YAML document is read as PyYAML reads it, also where that is left to PyYAML."""

from __future__ import annotations

import math
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize("library", [yaml, without_c()], ids=["with C", "without C"])
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


def test_a_cassette_is_read_without_nodes() -> None:
    told = {
        "interactions": [
            {
                "request": {
                    "body": None,
                    "headers": {"accept": ["a"]},
                    "uri": "https://x",
                },
                "response": {"body": {"string": '{"a": "é"}'}, "status": {"code": 200}},
            },
            {
                "request": {"body": b"\xff\xfe", "headers": {}, "uri": "https://x"},
                "response": {"body": {"string": ""}, "status": {"code": 404}},
            },
        ],
        "version": 1,
    }

    def load(*_: object) -> None:
        raise AssertionError

    library = SimpleNamespace(**{**vars(yaml), "load": load})
    assert read_document(library, yaml.safe_dump(told).encode()) == told
