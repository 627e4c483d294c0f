"""House rules as functions: each reads a module's source and returns what breaks it."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import TypeGuard, TypeVar

__all__ = [
    "PACKAGE",
    "ROOT",
    "Source",
    "ambient",
    "floats",
    "flow_names",
    "hidden",
    "lost_flows",
    "modules",
    "out_of_order",
    "unfinished",
]

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "unified_exchanges"

_FLOW = re.compile(r"(Flow|Pages)\b")
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_AMBIENT_MODULES = {"time", "random", "secrets"}
_INJECTED = {"Random", "SystemRandom"}
_AMBIENT_CALL = re.compile(
    r"(.*\b(datetime|date)\.(now|utcnow|today)|(.*\.)?(uuid1|uuid4|urandom))$"
)
_OUTSIDE = {"abc", "builtins", "typing"}
_MADE_BY_PYTHON = re.compile(r"__.*__$|_abc_impl$|_is_(runtime_)?protocol$")
_UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")


Node = TypeVar("Node", ast.Attribute, ast.BinOp, ast.Call, ast.Import, ast.ImportFrom)


class Source:
    """One module: its dotted name below the package, its text and its syntax tree."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.tree = ast.parse(text)

    @property
    def defines(self) -> bool:
        """Whether there is more in it than its docstring."""
        return len(self.tree.body) > 1

    def walk(self) -> Iterator[ast.AST]:
        """Every node, outermost first."""
        return ast.walk(self.tree)


def modules() -> list[Source]:
    """Every module of the package."""
    return [Source(_dotted(path), path.read_text()) for path in _python_files()]


def _python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def flow_names(sources: Iterable[Source]) -> set[str]:
    """Names of flows: methods bare, functions of a module as ``module:function``."""
    return {name for source in sources for name in _flows_of(source)}


def _flows_of(source: Source) -> Iterator[str]:
    home = source.name.rpartition(".")[2]
    for node in source.walk():
        if isinstance(node, ast.ClassDef):
            yield from (f.name for f in node.body if _is_flow(f))
    yield from (f"{home}:{f.name}" for f in source.tree.body if _is_flow(f))


def _is_flow(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    if not isinstance(node, ast.FunctionDef) or node.returns is None:
        return False
    return bool(_FLOW.match(ast.unparse(node.returns)))


def lost_flows(source: Source, flows: Collection[str]) -> list[int]:
    """Lines on which a flow is called and then neither run nor handed on.

    A flow is run by ``yield from``, handed on by ``return`` in a function that is not
    itself a generator, or handed to another flow as an argument; at once or by a name.
    """
    known = _callable_flows(source, flows)
    calls = [n for n in source.walk() if isinstance(n, ast.Call) and _name(n) in known]
    used = [node.value for node in source.walk() if isinstance(node, ast.YieldFrom)]
    used += [argument for call in calls for argument in _arguments(call)]
    used += _handed_on(source)
    sound = {id(value) for value in used} | _named(source, used)
    return [call.lineno for call in calls if id(call) not in sound]


def _callable_flows(source: Source, flows: Collection[str]) -> set[str]:
    """What a module's flows are called in it: ``self.x`` for methods, ``x`` for others."""
    known = {f"self.{name}" for name in flows if ":" not in name}
    known |= {f"super().{name}" for name in flows if ":" not in name}
    known |= {name.partition(":")[2] for name in _flows_of(source) if ":" in name}
    for node in source.walk():
        if isinstance(node, ast.ImportFrom):
            home = (node.module or "").rpartition(".")[2]
            imported = {a.asname or a.name: f"{home}:{a.name}" for a in node.names}
            known |= {name for name, flow in imported.items() if flow in flows}
    return known


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func)


def _called(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _handed_on(source: Source) -> list[ast.expr]:
    found: list[ast.expr] = []
    for function in source.walk():
        if isinstance(function, ast.Lambda):
            found.append(function.body)
        if not isinstance(function, _FUNCTION):
            continue
        own = list(_own_nodes(function))
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own):
            continue
        for node in own:
            if isinstance(node, ast.Return) and node.value is not None:
                found.extend(_branches(node.value))
    return found


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    """The value of a return, or both values of a conditional one."""
    if isinstance(value, ast.IfExp):
        yield from _branches(value.body)
        yield from _branches(value.orelse)
    else:
        yield value


def _named(source: Source, used: Iterable[ast.expr]) -> set[int]:
    """Values that were given a name which is used where a flow may be."""
    names = {value.id for value in used if isinstance(value, ast.Name)}
    return {
        id(node.value)
        for node in source.walk()
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id in names for t in node.targets)
    }


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of the functions inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, (*_FUNCTION, ast.Lambda)):
            yield from _own_nodes(child)


def floats(source: Source) -> list[int]:
    """Lines that make a float or calculate with one."""
    made = _lines(source, ast.Call, lambda call: _called(call) == "float")
    calculated = _lines(source, ast.BinOp, _calculates_with_float)
    return sorted(made + calculated)


def _calculates_with_float(node: ast.BinOp) -> bool:
    return any(map(_is_float_literal, (node.left, node.right)))


def _is_float_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_float_literal(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def ambient(source: Source) -> list[int]:
    """Lines that sleep, read a clock or draw randomness that nobody injected."""
    found = [*_lines(source, ast.Attribute, _uses_ambient)]
    found += _lines(source, ast.Import, _hides_ambient)
    found += _lines(source, ast.ImportFrom, _imports_from_ambient)
    found += _lines(source, ast.Call, _calls_ambient)
    return sorted(found)


def _lines(
    source: Source, kind: type[Node], breaks: Callable[[Node], bool]
) -> list[int]:
    return [n.lineno for n in source.walk() if isinstance(n, kind) and breaks(n)]


def _uses_ambient(node: ast.Attribute) -> bool:
    # The class is what gets injected; the module's functions share a hidden generator.
    owner = ast.unparse(node.value)
    return owner in _AMBIENT_MODULES and node.attr not in _INJECTED


def _hides_ambient(node: ast.Import) -> bool:
    return any(a.name in _AMBIENT_MODULES and a.asname for a in node.names)


def _imports_from_ambient(node: ast.ImportFrom) -> bool:
    names = {alias.name for alias in node.names} - _INJECTED
    return node.level == 0 and node.module in _AMBIENT_MODULES and bool(names)


def _calls_ambient(node: ast.Call) -> bool:
    return bool(_AMBIENT_CALL.match(ast.unparse(node.func)))


def unfinished(text: str) -> list[int]:
    """Lines that say themselves that they are not done."""
    lines = enumerate(text.splitlines(), start=1)
    return [number for number, line in lines if _UNFINISHED.search(line)]


def out_of_order(names: Iterable[str]) -> list[tuple[str, str]]:
    """Neighbours in the wrong order: constants, classes, the rest, each by name."""
    return [(a, b) for a, b in pairwise(names) if _rank(a) >= _rank(b)]


def _rank(name: str) -> tuple[int, str]:
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1, name) if name[:1].isupper() else (2, name)


def hidden(kind: type) -> list[str]:
    """Names that two classes put together in one both define, so that one hides the other.

    Nothing is hidden unseen where a subclass defines a public name of its base anew, or
    anybody what is abstract elsewhere, or what it says by an annotation that others set.
    """
    parts = [part for part in kind.__mro__ if part.__module__ not in _OUTSIDE]
    return [
        f"{first.__module__}.{first.__name__} hides {second.__name__}.{name}"
        for first, second in combinations(parts, 2)
        for name in sorted(_defined(first) & _defined(second))
        if not _is_declared(second, name)
        if name.startswith("_") or not issubclass(first, second)
    ]


def _is_declared(kind: type, name: str) -> bool:
    if name in vars(kind):
        return bool(getattr(vars(kind)[name], "__isabstractmethod__", False))
    return name in inspect.get_annotations(kind)


@cache
def _defined(kind: type) -> set[str]:
    """What a class defines: in its body, and of its instances where it sets them."""
    names = {name for name in vars(kind) if not _MADE_BY_PYTHON.match(name)}
    for node in ast.walk(_tree_of(kind.__module__)):
        if isinstance(node, ast.ClassDef) and node.name == _last(kind.__qualname__):
            names |= {found for part in ast.walk(node) for found in _set_on_self(part)}
    return names


@cache
def _tree_of(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def _last(qualname: str) -> str:
    return qualname.rpartition(".")[2]


def _set_on_self(node: ast.AST) -> Iterator[str]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = [x for t in node.targets for x in getattr(t, "elts", [t])]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    for target in targets:
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
            yield target.attr
