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

from numba.core import compiler, ir, types

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


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """Compile with a memory for signatures, a quick look for variables, and without collecting garbage.

    For calls under the compiler's lock, which every compilation holds.
    """
    collecting = gc.isenabled()
    functions: Any = types.BaseFunction
    instructions: Any = ir.Inst
    asked, looked = functions.get_call_type, instructions._rec_list_vars
    gc.disable()
    functions.get_call_type = _get_call_type
    instructions._rec_list_vars = _rec_list_vars
    try:
        yield
    finally:
        functions.get_call_type = asked
        instructions._rec_list_vars = looked
        if collecting:
            gc.enable()
