"""Kalshi's OpenAPI document as a cheap check of any answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.recorded import contract_of
from unified_exchanges.flow import Request, Response

__all__ = ["PREFIX", "Contract", "kalshi_contract", "seen_contract"]

PREFIX = "/trade-api/v2"
_METHODS = ("get", "post", "put", "delete")
_URI = "urn:kalshi"
_ERROR = {"description": "seen on the wire or documented in prose"}


@cache
def seen_contract() -> dict[str, Any] | None:
    """The document plus the statuses that it forgets.

    Its prose and the recordings know of 401 (any signed call), 403 (scopes,
    subaccounts), 404 (unknown market, event or order), 409 and 410 (orders, transfers)
    and 429 (everywhere), but the tables of the operations do not list them.
    """
    document = contract_of()
    if document is None:
        return None
    document = deepcopy(document)
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                _complete(path, methods[method])
    return document


def _complete(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    # Answered 200 empty, 201 or 204: documented without a body.
    statuses = ["400", "401", "403", "429"]
    if "{" in path or "orders" in path or "balance" in path:
        statuses.append("404")
    if "orders" in path or "transfer" in path:
        statuses.append("409")
    for status in statuses:
        responses.setdefault(status, _ERROR)


class Contract:
    """Checks answers against the document."""

    def __init__(self, document: dict[str, Any]) -> None:
        translated = json.loads(json.dumps(document, default=str))
        _translate(translated)
        resource = Resource.from_contents(translated, default_specification=DRAFT202012)
        self._registry = Registry().with_resource(_URI, resource)
        self._document = translated
        self._patterns = [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path)
            for path in sorted(translated["paths"], key=lambda p: p.count("{"))
        ]
        self._validators: dict[tuple[str, str, str], Draft202012Validator | None] = {}

    def operations(self) -> Iterator[tuple[str, str, str]]:
        """Method, path and name of every operation."""
        for path, methods in self._document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    yield method.upper(), path, methods[method]["operationId"]

    def check(self, request: Request, response: Response) -> None:
        """Raise AssertionError when the answer breaks the document."""
        path = urlsplit(request.url).path.removeprefix(PREFIX)
        place = (request.method, self._template(path), str(response.status))
        validator = self._validator(place)
        if validator is None:
            return
        errors = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(json.loads(response.body))
        ]
        assert not errors, f"{place}: {errors[:5]}"

    def _template(self, path: str) -> str:
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                return template
        raise AssertionError(f"{path} is not in the document")

    def _validator(self, place: tuple[str, str, str]) -> Draft202012Validator | None:
        if place not in self._validators:
            self._validators[place] = self._made(*place)
        return self._validators[place]

    def _made(
        self, method: str, template: str, status: str
    ) -> Draft202012Validator | None:
        responses = self._document["paths"][template][method.lower()]["responses"]
        assert status in responses, f"{method} {template} must not answer {status}"
        pointer = ["paths", template, method.lower(), "responses", status]
        response = responses[status]
        if "$ref" in response:
            pointer = response["$ref"].removeprefix("#/").split("/")
            response = self._document[pointer[0]][pointer[1]][pointer[2]]
        if "application/json" not in response.get("content", {}):
            return None
        pointer += ["content", "application/json", "schema"]
        escaped = (part.replace("~", "~0").replace("/", "~1") for part in pointer)
        return Draft202012Validator(
            {"$ref": f"{_URI}#/{'/'.join(escaped)}"},
            registry=self._registry,
            format_checker=FormatChecker(),
        )


def _translate(node: Any) -> None:
    """Turn OpenAPI 3.0 schemas into JSON Schema, in place: ``nullable``."""
    if isinstance(node, list):
        for item in node:
            _translate(item)
    if not isinstance(node, dict):
        return
    for value in node.values():
        _translate(value)
    if node.pop("nullable", False) is True:
        inner = dict(node)
        node.clear()
        node["anyOf"] = [inner, {"type": "null"}]


@cache
def kalshi_contract() -> Contract | None:
    """The check, or None where the document is not here."""
    document = seen_contract()
    return Contract(document) if document else None
