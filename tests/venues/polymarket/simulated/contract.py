"""The vendor's documents as a check of payloads, where they are."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.recorded import need_examples

__all__ = ["complaints", "schema_of", "wire_schema"]

_URI = "urn:polymarket"


@cache
def _document(path: Path) -> dict[str, Any]:
    text = path.read_text()
    if path.suffix == ".json":
        read = json.loads(text)
    else:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        read = json.loads(json.dumps(yaml.load(text, Loader=loader), default=str))  # noqa: S506 - safe
    _translate(read)
    return dict(read)


def _translate(node: Any) -> None:
    """OpenAPI 3.0's ``nullable`` in JSON Schema's terms, in place."""
    inner = node.values() if isinstance(node, dict) else node
    for value in inner:
        if isinstance(value, dict | list):
            _translate(value)
    if isinstance(node, dict) and node.pop("nullable", False) is True:
        kept = dict(node)
        node.clear()
        node["anyOf"] = [kept, {"type": "null"}]


def _read(name: str) -> dict[str, Any]:
    path = need_examples("polymarket").parent / name
    if not path.is_file():
        pytest.skip(f"no {name} beside the recorded payloads of polymarket")
    return _document(path)


def schema_of(name: str, method: str, path: str) -> tuple[dict[str, Any], list[str]]:
    """The document, and the way to the schema of what an operation answers."""
    document = _read(name)
    way = ["paths", path, method, "responses", "200"]
    return document, [*way, "content", "application/json", "schema"]


def wire_schema(name: str, event: str) -> tuple[dict[str, Any], list[str]]:
    """The same for an event of a socket."""
    return _read(name), ["components", "schemas", event]


def complaints(found: tuple[dict[str, Any], list[str]], payload: Any) -> list[str]:
    """Where a payload is not as the document has it."""
    document, way = found
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    escaped = "/".join(p.replace("~", "~0").replace("/", "~1") for p in way)
    validator = Draft202012Validator(
        {"$ref": f"{_URI}#/{escaped}"},
        registry=Registry().with_resource(_URI, resource),
    )
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:120]}"
        for error in validator.iter_errors(payload)
    ]
