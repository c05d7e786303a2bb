"""Telling the processor which records a loop will come to, so that they are at hand when it does.

A loop over listed households jumps from row to row, where no processor sees the next one coming, and all else
stands still while a line comes from memory. Told a few rounds before, it comes meanwhile; told of a long list
at once, the first lines are gone again when they are read. Nothing is read or written, so no result depends
on it; in plain Python nothing happens at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from cbhi.kernels.record_types import RowType, TableType, pointer_of

# how many rounds of a loop ahead records are asked for
AHEAD = 4
# of LLVM's prefetch: to be read, into all caches, data
_TO_READ, _TO_STAY, _DATA = 0, 3, 1


def fetching(*fields: str) -> Callable[[Any], None]:
    """Return a function that asks for these fields of a record, or of the first record of a table."""

    def fetch(record: Any) -> None:
        pass

    class Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            (kept,) = args
            known = isinstance(kept, (RowType, TableType)) and set(fields) <= set(kept.places)
            return signature(types.none, kept) if known else None

    key = ("fetch", *fields)
    infer_global(fetch, typing_key=key)(Typed)
    for kind in (RowType, TableType):
        lower_builtin(key, kind)(_lowered(fields))
    return fetch


def _lowered(fields: tuple[str, ...]) -> Callable[..., Any]:
    """Return what writes the instructions."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kept = sig.args[0]
        struct = cgutils.create_struct_proxy(kept)(context, builder, args[0])
        index = struct.index if isinstance(kept, RowType) else struct.first
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        how = [ir.Constant(word, number) for number in (_TO_READ, _TO_STAY, _DATA)]
        for field in fields:
            pointer = pointer_of(context, builder, kept, struct, index, field)
            builder.call(prefetch, [builder.bitcast(pointer, byte), *how])
        return context.get_dummy_value()

    return lower
