"""The two flavours are one interface: same names, same arguments, same words."""

from __future__ import annotations

import inspect

import pytest

from unified_exchanges import AsyncExchange, Exchange
from unified_exchanges.description import METHODS

SPELT_DIFFERENTLY = {
    "close": "aclose",
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
}


def public(kind: type) -> dict[str, object]:
    return {
        name: value
        for name, value in members(kind).items()
        if callable(value) and (not name.startswith("_") or name in SPELT_DIFFERENTLY)
    }


def members(kind: type) -> dict[str, object]:
    """What a shell has, the half of it that follows streams included."""
    ours = [base for base in kind.__mro__ if base.__module__.startswith("unified_")]
    return {name: x for base in reversed(ours) for name, x in vars(base).items()}


BLOCKING = {
    SPELT_DIFFERENTLY.get(name, name): f for name, f in public(Exchange).items()
}
ASYNC = {
    name: f
    for name, f in members(AsyncExchange).items()
    if callable(f) and (not name.startswith("_") or name.startswith("__a"))
}


def test_both_flavours_have_the_same_methods() -> None:
    assert set(BLOCKING) == set(ASYNC)


@pytest.mark.parametrize("name", sorted(set(BLOCKING) & set(ASYNC)))
def test_a_method_takes_the_same_arguments_in_both(name: str) -> None:
    one, other = (inspect.signature(kind[name]) for kind in (BLOCKING, ASYNC))
    assert list(one.parameters.values()) == list(other.parameters.values())


@pytest.mark.parametrize("name", sorted(set(BLOCKING) & set(ASYNC)))
def test_a_method_returns_the_same_in_both(name: str) -> None:
    one, other = (
        str(inspect.signature(kind[name]).return_annotation)
        for kind in (BLOCKING, ASYNC)
    )
    assert other.replace("Async", "") == one.replace("Async", "")


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_unified_method_says_the_same_in_both(name: str) -> None:
    one, other = getattr(Exchange, name), getattr(AsyncExchange, name)
    assert inspect.getdoc(one)
    assert inspect.getdoc(one) == inspect.getdoc(other)


def test_constructing_takes_the_same_settings_in_both() -> None:
    one, other = (inspect.signature(k.__init__) for k in (Exchange, AsyncExchange))
    assert list(one.parameters) == list(other.parameters)
