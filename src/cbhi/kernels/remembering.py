"""What Numba works out again for every kernel, worked out once: types of calls and attributes.

To type ``a + b`` Numba tries one after the other all that ``+`` may mean, from lists to dates, and at each
compares all its flags; kernels ask the same few hundred questions ten thousand times, a fifth of all
compiling. The answers do not depend on who asks.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

from llvmlite.ir._utils import NameScope
from llvmlite.ir.instructions import Instruction
from llvmlite.ir.types import VoidType
from llvmlite.ir.values import NamedValue
from numba.core import base, compiler, event, ir, types

_HASH_OF_FLAGS = hash(compiler.Flags())


class QuickFlags(compiler.Flags):
    """Flags of the compiler that compare in one step where they are the same ones."""

    __slots__ = ()

    def __hash__(self) -> int:
        return _HASH_OF_FLAGS  # Numba's own is the same for all flags

    def __eq__(self, other: object) -> bool:
        if isinstance(other, QuickFlags) and self._values == other._values:
            return True
        return bool(super().__eq__(other))


class RememberingContext:
    """Numba's typing context with a memory for fields of records and attributes of arrays."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.attributes: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)

    def resolve_getattr(self, kind: Any, name: str) -> Any:
        """Return the type of an attribute; methods are bound anew."""
        question = kind, name
        answer = self.attributes.get(question)
        if answer is None:
            answer = self.context.resolve_getattr(kind, name)
            if not isinstance(answer, types.Callable):
                self.attributes[question] = answer
        return answer


_CONTEXTS: dict[int, RememberingContext] = {}


def remembering(context: Any) -> RememberingContext:
    """Return the memory that goes with a typing context, of which a process has one for each target."""
    if isinstance(context, RememberingContext):
        return context
    return _CONTEXTS.setdefault(id(context), RememberingContext(context))


_SIGNATURES: dict[Any, Any] = {}
_ASK: Any = types.BaseFunction.get_call_type


def _get_call_type(function: Any, context: Any, args: Any, kws: Any) -> Any:
    """Return the signature of a call of Numba's own function; a failed one is explained anew."""
    if kws:
        return _ASK(function, context, args, kws)
    question = function, id(getattr(context, "context", context)), tuple(args)
    answer = _SIGNATURES.get(question)
    if answer is None:
        answer = _SIGNATURES[question] = _ASK(function, context, args, kws)
    return answer


# what stands in an instruction and names no variable
_NAMELESS = frozenset((str, int, float, bool, type(None), type(len), type, ir.Loc))
_LOOK: Any = getattr(ir.Inst, "_rec_list_vars", None)


def _rec_list_vars(self: Any, value: Any) -> list[Any]:
    """Return the variables of a part of an instruction, which Numba asks of each some thirty times."""
    if type(value) is dict:
        parts: Any = value.values()
    elif type(value) is list or type(value) is tuple:
        parts = value
    else:
        return list(_LOOK(self, value))
    found = []
    for part in parts:
        kind = type(part)
        if kind is ir.Var:
            found.append(part)
        elif kind not in _NAMELESS:
            found.extend(_rec_list_vars(self, part))
    return found


_TAKES_PLACE: dict[Any, bool] = {}
_INSPECT: Any = getattr(base, "_has_loc", None)


def _has_loc(function: Any) -> bool:
    """Say whether a translation takes the place in the source, which Numba asks of few, but always."""
    answer = _TAKES_PLACE.get(function)
    if answer is None:
        answer = _TAKES_PLACE[function] = _INSPECT(function)
    return answer


_SIZES: dict[tuple[int, str], int] = {}
_MEASURE: Any = base.BaseContext.get_abi_sizeof


def _get_abi_sizeof(context: Any, kind: Any) -> int:
    """Return the bytes of a type, for which Numba writes a module and has it read."""
    text = str(kind)
    if "%" in text:
        return int(_MEASURE(context, kind))  # a type with a name may mean another thing another time
    question = id(context.target_data), text
    answer = _SIZES.get(question)
    if answer is None:
        answer = _SIZES[question] = _MEASURE(context, kind)
    return answer


def _descr(instruction: Any, buf: list[str]) -> None:
    """Write an instruction into a text."""
    words = [instruction.opname, *instruction.flags, str(instruction.type)]
    operands = ", ".join([of.get_reference() for of in instruction.operands])
    rest = instruction._stringify_metadata(leading_comma=True) if instruction.metadata else ""
    buf.append(f"{' '.join(words)} {operands}{rest}\n")


def _to_string(value: Any) -> str:
    """Return the text of an instruction or another value with a name."""
    buf = [] if type(value.type) is VoidType else [f"{value.get_reference()} = "]
    value.descr(buf)
    return "".join(buf).rstrip()


def _deduplicate(scope: Any, name: str) -> str:
    """Return a name that no other value of a function has."""
    used = scope._useset
    if name not in used:
        return name
    number = scope._basenamemap[name]
    while True:
        number += 1
        other = f"{name}.{number}"
        if other not in used:
            scope._basenamemap[name] = number
            return other


# what is told each time a lock is taken and for each pass
_CHATTER = frozenset(("numba:llvm_lock", "numba:compiler_lock", "numba:run_pass"))
_START: Any = event.start_event
_END: Any = event.end_event


def _nobody_listens(kind: str) -> bool:
    """Say whether nobody hears of an event but Numba's own clocks, one for each kernel under way."""
    return kind in _CHATTER and all(type(of) is event.TimingListener for of in event._registered[kind])


def _start_event(kind: str, data: Any = None) -> None:
    if not _nobody_listens(kind):
        _START(kind, data)


def _end_event(kind: str, data: Any = None, exc_details: Any = None) -> None:
    if not _nobody_listens(kind):
        _END(kind, data, exc_details)


# where Numba looks for a function, its name there, and what answers in its place
_IN_PLACE: tuple[tuple[Any, str, Any], ...] = (
    (types.BaseFunction, "get_call_type", _get_call_type),
    (ir.Inst, "_rec_list_vars", _rec_list_vars),
    (base, "_has_loc", _has_loc),
    (base.BaseContext, "get_abi_sizeof", _get_abi_sizeof),
    (Instruction, "descr", _descr),
    (NamedValue, "_to_string", _to_string),
    (NameScope, "deduplicate", _deduplicate),
    (event, "start_event", _start_event),
    (event, "end_event", _end_event),
)


def can_remember() -> bool:
    """Say whether this Numba has all that is answered here in its place."""
    return all(hasattr(owner, name) for owner, name, _ in _IN_PLACE) and hasattr(event, "_registered")


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """Compile with what is remembered, and without collecting garbage.

    For calls under the compiler's lock, which every compilation holds.
    """
    collecting = gc.isenabled()
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in _IN_PLACE]
    gc.disable()
    for owner, name, quick in _IN_PLACE:
        setattr(owner, name, quick)
    try:
        yield
    finally:
        for owner, name, own in before:
            setattr(owner, name, own)
        if collecting:
            gc.enable()
