"""What can be changed in a function, one thing at a time.

A mutant is one node of a function's syntax tree put in place of another. It is applied by compiling the
changed function and giving its code to the function object that everybody has imported already, so no
module has to be loaded again and no importer has to be found.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

HITS = "__mutation_hits__"
SHOWN = 90

Function = ast.FunctionDef
Definition = ast.FunctionDef | ast.ClassDef

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_NEGATION: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_TWINS = {
    "min": "max",
    "max": "min",
    "floor": "ceil",
    "ceil": "floor",
    "minimum": "maximum",
    "maximum": "minimum",
}
_SYMMETRIC = {*_TWINS, "isinstance", "range", "array_equal", "add", "multiply", "hypot"}


@dataclass(frozen=True)
class Mutant:
    """One change of one function."""

    module: str
    function: str
    function_hash: str
    statement: int
    line: int
    operator: str
    before: str
    after: str
    number: int
    apply: Callable[[], None] = field(repr=False, compare=False, hash=False)

    @property
    def key(self) -> str:
        """A name that stays the same when other lines of the module change."""
        nth = f" #{self.number}" if self.number else ""
        return f"{self.module}:{self.function}: {self.operator}: {self.before} -> {self.after}{nth}"


@dataclass
class Site:
    """A node with the place that holds it."""

    parent: ast.AST
    name: str
    index: int | None
    node: ast.AST
    statement: int
    shown: ast.AST

    def put(self, node: ast.AST) -> None:
        """Put a node into this place of the tree."""
        if self.index is None:
            setattr(self.parent, self.name, node)
        else:
            getattr(self.parent, self.name)[self.index] = node


def _statements(tree: ast.AST) -> dict[int, int]:
    """Number the statements inside a function in the order of ``ast.walk``."""
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node is not tree]
    return {id(node): number for number, node in enumerate(inner)}


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _sites(function: Function) -> Iterator[Site]:
    """Yield every place in a function's body that may be changed."""
    numbers = _statements(function)

    def visit(parent: ast.AST, statement: int, shown: ast.AST | None) -> Iterator[Site]:
        if isinstance(parent, ast.Raise):
            return  # the wording of a message is no rule; that it is raised is (removed as a statement)
        for name, value in ast.iter_fields(parent):
            if name in {"annotation", "returns", "decorator_list", "args"} and isinstance(
                parent, ast.FunctionDef | ast.AnnAssign
            ):
                continue
            items = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for index, node in items:
                if not isinstance(node, ast.AST) or _is_docstring(node):
                    continue
                inside = numbers.get(id(node), statement)
                frame = _frame(parent, node, shown)
                yield Site(parent, name, index, node, inside, frame)
                yield from visit(node, inside, None if isinstance(node, ast.stmt) else frame)

    yield from visit(function, 0, None)


def _frame(parent: ast.AST, node: ast.AST, shown: ast.AST | None) -> ast.AST:
    """Return what is printed around a changed node: enough to recognise the place."""
    if isinstance(node, ast.stmt):
        return node
    if isinstance(parent, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr):
        return parent
    if isinstance(node, ast.Compare | ast.BoolOp) and not isinstance(parent, ast.BoolOp):
        return node
    if shown is None or len(ast.unparse(shown)) > SHOWN:
        return parent if isinstance(parent, ast.expr) else node
    return shown


def _number(node: ast.Constant) -> Iterator[tuple[str, ast.expr]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant", ast.Constant(value + 1)
        if value > 1:
            yield "constant", ast.Constant(0)
    elif isinstance(value, float):
        yield "constant", ast.Constant(value * 1.05 if value else 0.05)
        if value:
            yield "constant", ast.Constant(0.0)


def _compare(node: ast.Compare) -> Iterator[tuple[str, ast.expr]]:
    for k, kind in enumerate(node.ops):
        for operator, table in (("boundary", _BOUNDARY), ("negation", _NEGATION)):
            other = table.get(type(kind))
            if other is not None:
                changed = [*node.ops[:k], other(), *node.ops[k + 1 :]]
                yield operator, ast.Compare(node.left, changed, node.comparators)


def _boolean(node: ast.BoolOp) -> Iterator[tuple[str, ast.expr]]:
    yield "and/or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    if len(node.values) > 2:
        for k in range(len(node.values)):
            yield "and/or", ast.BoolOp(node.op, node.values[:k] + node.values[k + 1 :])


def _call(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    called = node.func
    name = (
        called.id
        if isinstance(called, ast.Name)
        else called.attr
        if isinstance(called, ast.Attribute)
        else ""
    )
    if name in _TWINS and node.args:
        twin = copy.copy(called)
        setattr(twin, "id" if isinstance(called, ast.Name) else "attr", _TWINS[name])
        yield "min/max", ast.Call(twin, node.args, node.keywords)
    if name in _SYMMETRIC:
        return
    plain = ast.Name | ast.Attribute | ast.Subscript
    for k in range(len(node.args) - 1):
        first, second = node.args[k], node.args[k + 1]
        if isinstance(first, plain) and isinstance(second, plain) and ast.dump(first) != ast.dump(second):
            changed = [*node.args[:k], second, first, *node.args[k + 2 :]]
            yield "swapped arguments", ast.Call(called, changed, node.keywords)
            return


def _index(node: ast.Subscript) -> Iterator[tuple[str, ast.expr]]:
    """Read or write the next kind where an array is indexed by a named constant."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for k, part in enumerate(parts):
        name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
        if len(name) > 1 and name.isupper():
            after = ast.BinOp(part, ast.Add(), ast.Constant(1))
            whole = ast.Tuple([*parts[:k], after, *parts[k + 1 :]], ast.Load()) if len(parts) > 1 else after
            yield "index", ast.Subscript(node.value, whole, node.ctx)


def _entries(node: ast.Name, module: ModuleType) -> Iterator[tuple[str, ast.expr]]:
    """Leave the first or the last entry of a constant table out, such as a tuple of kinds that are summed."""
    table = getattr(module, node.id, None)
    if isinstance(node.ctx, ast.Load) and isinstance(table, tuple) and len(table) > 1:
        for first, last in ((1, None), (None, -1)):
            bounds = [None if end is None else ast.Constant(end) for end in (first, last)]
            yield "entry left out", ast.Subscript(node, ast.Slice(*bounds), ast.Load())


def _returned(node: ast.Return, returns: str) -> Iterator[tuple[str, ast.stmt]]:
    value = node.value
    if value is None or isinstance(value, ast.Constant | ast.Tuple):
        return
    if returns == "bool":
        yield "return value", ast.Return(ast.UnaryOp(ast.Not(), value))
    elif returns == "int":
        yield "return value", ast.Return(ast.BinOp(value, ast.Add(), ast.Constant(1)))
    elif returns in {"float", "FloatArray", "F8", "Ratio"}:
        yield "return value", ast.Return(ast.BinOp(value, ast.Mult(), ast.Constant(1.05)))


def _removed(node: ast.stmt, rebound: set[str]) -> Iterator[tuple[str, ast.stmt]]:
    """Leave a statement out, unless what follows could not even run without it."""
    if isinstance(node, ast.Assign):
        names = [t for target in node.targets for t in ast.walk(target) if isinstance(t, ast.Name)]
        stored = [t.id for t in names if isinstance(t.ctx, ast.Store)]
        if any(name not in rebound for name in stored):
            return
    elif not isinstance(node, ast.AugAssign | ast.Expr | ast.Return | ast.Raise | ast.Continue | ast.Break):
        return
    if isinstance(node, ast.Return) and node.value is None:
        yield "removed statement", ast.Pass()
    elif isinstance(node, ast.Return):
        return
    else:
        yield "removed statement", ast.Pass()


def _changes(
    site: Site, returns: str, rebound: set[str], module: ModuleType
) -> Iterator[tuple[str, ast.AST]]:
    node = site.node
    if isinstance(node, ast.stmt):
        yield from _removed(node, rebound)
    if isinstance(node, ast.Return):
        yield from _returned(node, returns)
    elif isinstance(node, ast.Constant):
        if not isinstance(site.parent, ast.FormattedValue | ast.JoinedStr):
            yield from _number(node)
    elif isinstance(node, ast.BinOp):
        other = _ARITHMETIC.get(type(node.op))
        if other is not None:
            yield "arithmetic", ast.BinOp(node.left, other(), node.right)
    elif isinstance(node, ast.AugAssign):
        other = _ARITHMETIC.get(type(node.op))
        if other is not None:
            yield "arithmetic", ast.AugAssign(node.target, other(), node.value)
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            yield "arithmetic", node.operand
        elif isinstance(node.op, ast.Not | ast.Invert):
            yield "negation", node.operand
    elif isinstance(node, ast.Compare):
        yield from _compare(node)
    elif isinstance(node, ast.BoolOp):
        yield from _boolean(node)
    elif isinstance(node, ast.IfExp):
        yield "negation", ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.If | ast.While) and not isinstance(
        node.test, ast.Compare | ast.BoolOp | ast.UnaryOp
    ):
        changed = copy.copy(node)
        changed.test = ast.UnaryOp(ast.Not(), node.test)
        yield "negation", changed
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.Subscript):
        yield from _index(node)
    elif isinstance(node, ast.Name) and node.id.isupper():
        yield from _entries(node, module)


def _short(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While | ast.For | ast.With):
        text = ast.unparse(node).split("\n", 1)[0]
    else:
        text = ast.unparse(node)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def compiled(tree: Function, path: str) -> CodeType:
    """Compile one function alone and return its code, line numbers as in the file."""
    bare = copy.copy(tree)
    bare.decorator_list = []
    module = ast.Module([ast.fix_missing_locations(bare)], [])
    whole = compile(module, path, "exec")
    return next(c for c in whole.co_consts if isinstance(c, CodeType) and c.co_name == tree.name)


def _same(one: CodeType, other: CodeType) -> bool:
    """Return whether two codes do the same: instructions, constants and names, all the way down."""
    if (one.co_code, one.co_names, one.co_varnames, len(one.co_consts)) != (
        other.co_code,
        other.co_names,
        other.co_varnames,
        len(other.co_consts),
    ):
        return False
    for a, b in zip(one.co_consts, other.co_consts, strict=True):
        if isinstance(a, CodeType) and isinstance(b, CodeType):
            if not _same(a, b):
                return False
        elif type(a) is not type(b) or repr(a) != repr(b):
            return False
    return True


def _unwrapped(value: Any) -> FunctionType | None:
    """Return the plain function behind a method, a property or a decorator that keeps it."""
    for name in ("__func__", "fget", "func"):
        value = getattr(value, name, value)
    value = inspect.unwrap(value) if callable(value) else value
    return value if isinstance(value, FunctionType) else None


class Target:
    """A function that is mutated: its tree, the object that holds its code, and its numbered statements."""

    def __init__(self, module: ModuleType, name: str, tree: Function, function: FunctionType) -> None:
        self.module = module
        self.name = name
        self.tree = tree
        self.function = function
        self.path = str(module.__file__)
        self.original = function.__code__
        self.source = ast.unparse(tree)
        self.hash = hashlib.sha256(self.source.encode()).hexdigest()[:12]
        self.n_statements = len(_statements(tree))

    @property
    def key(self) -> str:
        return f"{self.module.__name__}:{self.name}:{self.hash}"

    def put(self, code: CodeType) -> None:
        """Give the function another code."""
        self.function.__code__ = code

    def watch(self, hits: bytearray, first: int) -> None:
        """Let the function mark each statement that runs in ``hits``, from position ``first`` on."""
        tree = copy.deepcopy(self.tree)
        numbers = _statements(tree)
        for node in list(ast.walk(tree)):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                    marked: list[ast.stmt] = []
                    for statement in block:
                        if not _is_docstring(statement):
                            marked.append(_mark(first + numbers[id(statement)]))
                        marked.append(statement)
                    setattr(node, name, marked)
        self.function.__globals__[HITS] = hits
        self.put(compiled(tree, self.path))

    def mutants(self) -> Iterator[Mutant]:
        """Yield every change of this function that is not the same code."""
        returns = ast.unparse(self.tree.returns) if self.tree.returns else ""
        stored = [
            n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        ]
        arguments = {a.arg for a in ast.walk(self.tree) if isinstance(a, ast.arg)}
        rebound = {name for name in stored if stored.count(name) > 1} | arguments
        seen: dict[tuple[str, str, str], int] = {}
        for site in list(_sites(self.tree)):
            for operator, node in _changes(site, returns, rebound, self.module):
                mutant = self._mutant(site, operator, node, seen)
                if mutant is not None:
                    yield mutant

    def _mutant(
        self, site: Site, operator: str, node: ast.AST, seen: dict[tuple[str, str, str], int]
    ) -> Mutant | None:
        ast.copy_location(node, site.node)
        before = _short(site.shown)
        site.put(node)
        try:
            after = _short(node if site.shown is site.node else site.shown)
            code = compiled(self.tree, self.path)
        except SyntaxError:
            return None
        finally:
            site.put(site.node)
        if code.co_freevars != self.original.co_freevars or _same(code, compiled(self.tree, self.path)):
            return None
        if before == after:
            before, after = f"{before} | {_short(site.node)}", _short(node)
        what = (operator, before, after)
        seen[what] = seen.get(what, 0) + 1
        return Mutant(
            self.module.__name__,
            self.name,
            self.hash,
            site.statement,
            getattr(site.node, "lineno", self.tree.lineno),
            operator,
            before,
            after,
            seen[what] - 1,
            lambda: self.put(code),
        )


def _mark(position: int) -> ast.stmt:
    mark = ast.Assign(
        [ast.Subscript(ast.Name(HITS, ast.Load()), ast.Constant(position), ast.Store())], ast.Constant(1)
    )
    return ast.fix_missing_locations(ast.copy_location(mark, ast.Constant(0, lineno=1, col_offset=0)))


def targets(name: str) -> list[Target]:
    """Return the functions and methods of a module that can be mutated."""
    module = importlib.import_module(name)
    tree = ast.parse(inspect.getsource(module))
    found: list[Target] = []

    def collect(body: list[ast.stmt], holder: dict[str, Any], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                kind = holder.get(node.name)
                if isinstance(kind, type) and not getattr(kind, "_is_protocol", False):
                    collect(node.body, dict(vars(kind)), f"{prefix}{node.name}.")
            elif isinstance(node, ast.FunctionDef):
                function = _unwrapped(holder.get(node.name))
                if function is not None and function.__code__.co_name == node.name:
                    found.append(Target(module, prefix + node.name, node, function))

    collect(tree.body, vars(module), "")
    return found
