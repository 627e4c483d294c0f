"""A YAML document, made of what its parser comes upon, one thing after another.

PyYAML makes a tree of nodes first, with a place in the text for each, and then objects of
them: of a long cassette that takes twice as long as to parse it.  What a cassette has are
mappings, sequences and scalars; a document with anything else is left to PyYAML.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["read_document"]

_LONG: Final = 24
"""Characters of a scalar that is not expected to come again."""
_STRING: Final = "tag:yaml.org,2002:str"
_MERGE: Final = "tag:yaml.org,2002:merge"


class _Unusual(Exception):
    """There is something that only PyYAML knows how to read."""


def read_document(yaml: Any, data: bytes) -> Any:
    """What `yaml.safe_load` makes of a document, in less time.

    ``yaml`` is the module of PyYAML.  Raises its YAMLError.
    """
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader = kind(data)
    try:
        return _Document(yaml, loader).read()
    except (_Unusual, RecursionError):
        return yaml.load(data, kind)
    finally:
        loader.dispose()


class _Document:
    def __init__(self, yaml: Any, loader: Any) -> None:
        self._yaml = yaml
        self._loader = loader
        self._next = loader.get_event
        self._scalar = yaml.ScalarEvent
        self._mapping = yaml.MappingStartEvent
        self._ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        self._plain: dict[str, Any] = {}
        """What plain scalars are; none of them can be changed."""

    def read(self) -> Any:
        yaml = self._yaml
        self._expect(yaml.StreamStartEvent)
        self._expect(yaml.DocumentStartEvent)
        found = self._made(self._next())
        self._expect(yaml.DocumentEndEvent)
        self._expect(yaml.StreamEndEvent)
        return found

    def _expect(self, kind: type) -> None:
        if type(self._next()) is not kind:
            raise _Unusual

    def _made(self, event: Any) -> Any:
        if event.anchor is not None:
            raise _Unusual
        kind = type(event)
        if kind is self._scalar:
            return self._scalar_of(event)
        if event.tag is not None:
            raise _Unusual
        return self._mapped() if kind is self._mapping else self._listed()

    def _mapped(self) -> dict[Any, Any]:
        read, end, scalar = self._next, self._ends[0], self._scalar
        found: dict[Any, Any] = {}
        while type(event := read()) is not end:
            if type(event) is not scalar:
                raise _Unusual
            key = self._made(event)
            found[key] = self._made(read())
        return found

    def _listed(self) -> list[Any]:
        read, end = self._next, self._ends[1]
        found: list[Any] = []
        while type(event := read()) is not end:
            found.append(self._made(event))
        return found

    def _scalar_of(self, event: Any) -> Any:
        text, tag = event.value, event.tag
        if tag is not None:
            return self._constructed(tag, event)
        is_plain, is_quoted = event.implicit
        if is_quoted and not is_plain:
            return text
        if text in self._plain:
            return self._plain[text]
        tag = self._loader.resolve(self._yaml.ScalarNode, text, event.implicit)
        value = text if tag == _STRING else self._constructed(tag, event)
        if len(text) < _LONG:
            self._plain[text] = value
        return value

    def _constructed(self, tag: str, event: Any) -> Any:
        if tag in ("!", _MERGE):
            raise _Unusual
        node = self._yaml.ScalarNode(
            tag, event.value, event.start_mark, event.end_mark, event.style
        )
        return self._loader.construct_object(node, deep=True)
