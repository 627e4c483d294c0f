"""Options that would have no effect: refused before anything starts, never ignored.

Each command says which of its options are idle in which mode; `refuse_idle` looks at what
was given.  Only what stands on the command line is refused: a variable of the environment
is there for every command, whether it applies or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from typing import Any, Literal

import attrs
import typer

from ..errors import BadRequest

__all__ = ["Idle", "beside", "refuse_idle", "set_to", "without"]


@attrs.frozen(kw_only=True)
class Idle:
    """Options without effect in a mode, by the names of the parameters of a command."""

    options: tuple[str, ...]
    modes: tuple[str, ...]
    """What decides: whether one of them is given, or what it is set to."""
    kind: Literal["beside", "without", "set to"]
    is_mode: Callable[[list[Any]], bool]
    why: str


def beside(mode: str, *options: str, why: str) -> Idle:
    """Options without effect where another one is given."""
    return Idle(options=options, modes=(mode,), kind="beside", is_mode=any, why=why)


def without(*modes: str, idle: Iterable[str], why: str) -> Idle:
    """Options that have an effect only beside one of others."""
    return Idle(
        options=tuple(idle),
        modes=modes,
        kind="without",
        is_mode=lambda values: not any(values),
        why=why,
    )


def set_to(mode: str, values: Collection[object], *options: str, why: str) -> Idle:
    """Options without effect where another one is, or is by default, one of these."""
    return Idle(
        options=options,
        modes=(mode,),
        kind="set to",
        is_mode=lambda found: found[0] in values,
        why=why,
    )


def refuse_idle(
    context: typer.Context, given: Mapping[str, Any], idle: Iterable[Idle]
) -> None:
    """Raise `BadRequest` for what was typed and would do nothing; it names what was set."""
    typed = _Given(context)
    for rule in idle:
        modes = [mode for mode in rule.modes if mode in given]
        if not modes or not rule.is_mode([given[mode] for mode in modes]):
            continue
        if found := [name for name in rule.options if typed.is_typed(name)]:
            raise BadRequest(_told(rule, modes, found, given, typed))


class _Given:
    """Where each value came from, and what it is called there."""

    def __init__(self, context: typer.Context) -> None:
        self._context = context
        self._parameters = {one.name: one for one in context.command.params}

    def is_typed(self, name: str) -> bool:
        """Whether it stands on the command line."""
        return self._source(name) == "COMMANDLINE"

    def name(self, name: str) -> str:
        """The option, argument or variable by which it was set, or could be."""
        found: Any = self._parameters[name]
        if self._source(name) == "ENVIRONMENT":
            return str(found.envvar)
        if found.param_type_name == "argument":
            return str(found.metavar)
        return str(found.opts[0])

    def otherwise(self, name: str) -> str:
        """How to do without what was given, where that is possible."""
        if self._source(name) == "ENVIRONMENT":
            return f", or unset {self.name(name)}"
        is_option = self._parameters[name].param_type_name == "option"
        return f", or {self.name(name)}" if is_option else ""

    def _source(self, name: str) -> str | None:
        # By its name: typer has a click of its own, or in older ones the click there is.
        source = self._context.get_parameter_source(name)
        return None if source is None else source.name


def _told(
    rule: Idle,
    modes: list[str],
    options: list[str],
    given: Mapping[str, Any],
    typed: _Given,
) -> str:
    has, it = ("has", "it") if len(options) == 1 else ("have", "them")
    decisive = " or ".join(typed.name(mode) for mode in modes)
    word, unless = "with", f"leave {it} out"
    if rule.kind == "without":
        word, unless = "without", f"{unless}, or add {decisive}"
    elif rule.kind == "beside":
        unless = f"{unless}{typed.otherwise(modes[0])}"
    else:
        decisive = f"{decisive} {_value(given[modes[0]])}"
    listed = _listed([typed.name(name) for name in options])
    return f"{listed} {has} no effect {word} {decisive}, {rule.why}: {unless}"


def _value(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
