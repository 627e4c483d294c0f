"""A YAML document, read line by line where it is written as vcrpy writes it.

PyYAML makes an object of each thing that libyaml comes upon, with two places in the text:
that takes three times as long as libyaml does.  vcrpy writes a key or an element a line, in
blocks, and only lines of that kind are read here; of scalars plain ones, and those in single
quotes.  Every other scalar is given to PyYAML, and where a line is of another kind the whole
document is: what PyYAML refuses is refused by PyYAML.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import chain
from operator import methodcaller
from typing import Any, Final, TypeAlias

__all__ = ["read_document"]

_Line: TypeAlias = tuple[str, ...]

_CHARACTERS: Final = bytes(range(0x20, 0x7F)) + b"\n"
"""Those that vcrpy writes; YAML has breaks of lines among the others."""
_SCALAR: Final = r"""(
    '[^']*+(?:''[^']*+)*+'
  | "[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+"
  | (?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s])).*+(?:\n\1\ ++[^\ \n].*+)*+
  | !!binary\ (?:""|\|(?:\n\1\ ++[\w+/=]++)++)
  | \{\} | \[\]
)"""
"""Plain ones and blocks go on in lines that are deeper."""
_LINE: Final = re.compile(
    rf"""(\ {{0,99}}+)
    (?: (-\ )?+([A-Za-z][\w-]{{0,99}}+):(?:\ {_SCALAR})?+ | -\ {_SCALAR} )\n
    | ([\s\S]++)""",
    re.VERBOSE,
)
"""Its indent, a dash, a key and its value, or an element; or else all that is left."""
_groups: Final = methodcaller("groups", "")
_END: Final = ("",) * 6
_FOLD: Final = re.compile(r"\n +")
_LONG: Final = 24
"""Characters of a scalar that is not expected to come again."""
_STRING: Final = "tag:yaml.org,2002:str"


class _Unusual(Exception):
    """There is something that only PyYAML knows how to read."""


def read_document(yaml: Any, data: bytes) -> Any:
    """What `yaml.safe_load` makes of a document, in less time.

    ``yaml`` is the module of PyYAML.  Raises what it raises.
    """
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Document(yaml, kind, data).read()
    except (
        _Unusual,
        OverflowError,
        RecursionError,
        ValueError,
        yaml.YAMLError,
    ):
        # What is wrong first, and where, is told by who reads the whole.
        return yaml.load(data, kind)


class _Document:
    """The lines, of which one is looked at; all of what is read is at its indent or deeper."""

    def __init__(self, yaml: Any, kind: Any, data: bytes) -> None:
        if data.translate(None, _CHARACTERS):
            raise _Unusual
        self._scalars = _Scalars(yaml, kind)
        lines = map(_groups, _LINE.finditer(data.decode()))
        self._next = chain(lines, (_END,)).__next__
        self._line: _Line = self._next()

    def read(self) -> Any:
        indent, dash, key, _, _, _ = self._line
        if indent or dash or not key:
            raise _Unusual
        found = self._mapped("")
        if self._line is not _END:
            # It stands at an indent at which nothing is.
            raise _Unusual
        return found

    def _mapped(self, indent: str) -> dict[Any, Any]:
        """The mapping that begins here, maybe in the line of an element."""
        read, scalars = self._next, self._scalars
        found: dict[Any, Any] = {}
        _, _, key, value, _, _ = self._line
        while True:
            self._line = read()
            told = scalars[value] if value else self._beneath(indent)
            found[scalars[key]] = told
            here, dash, key, value, _, _ = self._line
            if here != indent or dash or not key:
                return found

    def _listed(self, indent: str) -> list[Any]:
        """The sequence that begins here."""
        found: list[Any] = []
        while True:
            here, dash, _, value, element, _ = self._line
            if here != indent or not (dash or element):
                return found
            if value:
                # What is deeper than a dash goes on with it, or is the next key.
                raise _Unusual
            if dash:
                found.append(self._mapped(f"{indent}  "))
            else:
                self._line = self._next()
                found.append(self._scalars[element])

    def _beneath(self, indent: str) -> Any:
        """What a key has in the lines after its own."""
        here, dash, key, _, element, _ = self._line
        if here >= indent and (dash or element):
            return self._listed(here)
        if here > indent and key:
            return self._mapped(here)
        return None


class _Scalars(dict[str, Any]):
    """What a scalar is, by how it is written; short ones, which come again, are kept."""

    def __init__(self, yaml: Any, kind: Any) -> None:
        super().__init__()
        self._load = partial(yaml.load, Loader=kind)
        self._node = yaml.ScalarNode
        self._loader = kind("")

    def __missing__(self, text: str) -> Any:
        begin = text[0]
        if begin in "{[":
            return self._load(text)
        if begin in '"!':
            value = self._load(text)
        elif begin == "'":
            value = self._quoted(text)
        else:
            value = self._plain(text)
        if len(text) < _LONG:
            self[text] = value
        return value

    def _quoted(self, text: str) -> Any:
        if "\n" in text:
            folded = _FOLD.sub(" ", text)
            if "\n" in folded or " \n" in text:
                # Of empty lines, and of blanks at the end of one, there is more to know.
                return self._load(text)
            text = folded
        return text[1:-1].replace("''", "'")

    def _plain(self, text: str) -> Any:
        if "\n" in text:
            if " \n" in text:
                raise _Unusual
            text = _FOLD.sub(" ", text)
        if ": " in text or " #" in text or text[-1] in " :":
            raise _Unusual
        tag = self._loader.resolve(self._node, text, (True, False))
        if tag == _STRING:
            return text
        return self._loader.construct_document(self._node(tag, text))
