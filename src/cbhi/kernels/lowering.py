"""How the instructions of a kernel become LLVM code: Numba's way, without what kernels have no use for.

Numba clears a variable where it is last used and reads it before it is written, so that references can be
counted, which few kernels do (``allocating``); and it describes each instruction, so that it can be debugged.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, compiler_machinery, errors, ir, lowering, typed_passes, types
from numba.np import arrayobj

_NEEDED = (
    "lower_assign",
    "storevar",
    "delvar",
    "lower_getitem",
    "lower_setitem",
    "alloca_lltype",
    "pre_block",
    "post_block",
)


def can_be_shortened() -> bool:
    """Say whether this Numba has the steps that are shortened here."""
    return all(hasattr(lowering.Lower, name) for name in _NEEDED) and hasattr(
        typed_passes.NativeLowering, "lowering_class"
    )


class KernelLower(lowering.Lower):
    """Numba's translation of a function to LLVM code, for functions that nobody debugs."""

    def lower_block(self, block: Any) -> None:
        """Translate a block; what stands in it is put into words only where it fails."""
        self.pre_block(block)
        for inst in block.body:
            self.loc = inst.loc
            try:
                self.lower_inst(inst)
            except errors.NumbaError as error:
                error.add_context(f'lowering "{inst}" at {self.loc}')
                raise
        self.post_block(block)

    def lower_inst(self, inst: Any) -> Any:
        """Translate an instruction; the two commonest at once."""
        kind = type(inst)
        if kind is ir.Assign:
            name = inst.target.name
            self.storevar(self.lower_assign(self.typeof(name), inst), name)
            return None
        if kind is ir.Del:
            return self.delvar(inst.value)
        return super().lower_inst(inst)

    def storevar(self, value: Any, name: str, argidx: int | None = None) -> None:
        """Keep a value under a name; what was there needs no look where references are not counted."""
        if self.context.enable_nrt:
            super().storevar(value, name, argidx)
            return
        self._alloca_var(name, self.typeof(name))
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            self.builder.store(value, self.getvar(name))

    def delvar(self, name: str) -> None:
        """Forget a name; its place is cleared only where references are counted."""
        if self.context.enable_nrt:
            super().delvar(name)
        elif name not in self._blk_local_varmap:
            self._singly_assigned_vars.discard(name)

    def lower_getitem(self, resty: Any, expr: Any, value: Any, index: Any, signature: Any) -> Any:
        """Read an item of an array; slices and other containers in Numba's way."""
        array = self.typeof(value.name)
        if not self._is_item(array, signature, index):
            return super().lower_getitem(resty, expr, value, index, signature)
        item = arrayobj.load_item(self.context, self.builder, array, self._pointer(array, value, index))
        return self.context.cast(self.builder, item, signature.return_type, resty)

    def lower_setitem(self, target_var: Any, index_var: Any, value_var: Any, signature: Any) -> Any:
        """Write an item of an array; slices and other containers in Numba's way."""
        array = self.typeof(target_var.name)
        if not self._is_item(array, signature, index_var):
            return super().lower_setitem(target_var, index_var, value_var, signature)
        cast, builder = self.context.cast, self.builder
        value = cast(builder, self.loadvar(value_var.name), self.typeof(value_var.name), signature.args[2])
        pointer = self._pointer(array, target_var, index_var)
        value = cast(builder, value, signature.args[2], array.dtype)
        return arrayobj.store_item(self.context, builder, array, value, pointer)

    def _places(self, index: Any) -> tuple[Any, ...]:
        """Return the types of an index, one for each axis."""
        kind = self.typeof(index.name)
        return tuple(getattr(kind, "types", (kind,)))

    def _is_item(self, array: Any, signature: Any, index: Any) -> bool:
        """Say whether an access is to one number of an array whose elements lie side by side."""
        if not isinstance(array, types.Array) or array.layout != "C" or self.context.enable_boundscheck:
            return False
        places = self._places(index)
        return (
            isinstance(array.dtype, types.Number)
            and array == signature.args[0]
            and len(places) == array.ndim
            and all(getattr(place, "signed", False) for place in places)
        )

    def _pointer(self, array: Any, value: Any, index: Any) -> Any:
        """Return the address of an item; an index below 0 counts from the end."""
        builder, found = self.builder, self.loadvar(index.name)
        words, place = self.loadvar(value.name), self.context.data_model_manager[array].get_field_position
        several = isinstance(self.typeof(index.name), types.BaseTuple)
        indexes = [
            (builder.extract_value(found, i) if several else found, of)
            for i, of in enumerate(self._places(index))
        ]
        before = step = None
        for axis in reversed(range(array.ndim)):
            at = self.context.cast(builder, *indexes[axis], types.intp)
            extent = builder.extract_value(words, (place("shape"), axis))
            negative = builder.icmp_signed("<", at, at.type(0))
            at = builder.select(negative, builder.add(at, extent), at)
            at = at if step is None else builder.mul(at, step)
            before = at if before is None else builder.add(before, at)
            if axis:
                step = extent if step is None else builder.mul(step, extent)
        return builder.gep(builder.extract_value(words, place("data")), [before])

    def alloca_lltype(self, name: str, lltype: Any, datamodel: Any = None) -> Any:
        """Make a place for a variable."""
        return cgutils.alloca_once(self.builder, lltype, name=name, zfill=False)


@compiler_machinery.register_pass(mutates_CFG=True, analysis_only=False)
class KernelLowering(typed_passes.NativeLowering):
    """Numba's pass with the shorter translation."""

    _name = "kernel_lowering"

    @property
    def lowering_class(self) -> Any:
        """Return who translates."""
        return KernelLower
