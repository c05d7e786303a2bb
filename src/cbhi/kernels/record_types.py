"""What the compiler makes of tables of records (`cbhi.kernels.columns`): types, and the access to a field."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, errors, types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_builtin, lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import NativeValue, unbox
from numba.np import arrayobj, numpy_support

# of what the compiler is told about which accesses may meet
_ROOT = "cbhi"
# Numba's own access to an item of an array
_LOAD_ITEM: Any = arrayobj.load_item
_STORE_ITEM: Any = arrayobj.store_item


class Place(NamedTuple):
    """Where a field lies.

    Attributes
    ----------
    name, kind
        Of the field, and the dtype as which it is read.
    offset
        Bytes of a record before it; kept by columns, the bytes of a record in the columns before its own.
    shift, bits
        Of a field that shares its byte with others: the bits below it, and its own; 0 bits for all others.
    """

    name: str
    kind: str
    offset: int
    shift: int
    bits: int

    @property
    def mask(self) -> int:
        """The highest number that fits into its bits."""
        return (1 << self.bits) - 1

    def put(self, kept: Any, value: Any) -> Any:
        """Return whole bytes, one or an array of them, with another value of this field in them."""
        return (kept & (255 - (self.mask << self.shift))) | ((value & self.mask) << self.shift)


class _Kept(types.Type):
    """What tables and rows of one kind of record have in common: fields, and where they lie.

    ``width`` is the bytes of a row, 0 when kept by columns.
    """

    def __init__(self, record: str, fields: tuple[Place, ...], width: int, constant: bool) -> None:
        super().__init__(f"{type(self).__name__}({record}, {fields}, {width}, {constant})")
        self.record = record
        self.fields = fields
        self.width = width
        self.constant = constant
        self.places = {place.name: place for place in fields}
        self.kinds = {place.name: numpy_support.from_dtype(np.dtype(place.kind)) for place in fields}

    def become(self, kind: Any) -> Any:
        """Return the table or row type of the same record."""
        return kind(self.record, self.fields, self.width, self.constant)

    @property
    def mangling_args(self) -> tuple[str, tuple[Any, ...]]:
        """Short names in compiled code."""
        return f"{type(self).__name__}{self.record}", ()


class TableType(_Kept):
    """A table of records, as kernels see it."""


class NestedType(_Kept):
    """A table whose rows are tables."""


class RowType(_Kept):
    """A record of a table."""


class BundleType(types.NamedTuple):
    """A NamedTuple of tables and arrays, which kernels hand on to each other."""

    @property
    def mangling_args(self) -> tuple[str, tuple[Any, ...]]:
        """Short names in compiled code."""
        return self.instance_class.__name__, ()


def _is_plain(kind: Any) -> bool:
    """Say whether an array's address and shape say all: its elements lie side by side."""
    return isinstance(kind, types.Array) and kind.layout == "C"


@register_default(BundleType)
class _BundleModel(models.TupleModel):
    """Bundles are handed over without what follows from the rest of an array, which is most of its words.

    Otherwise two fifths of all code would take bundles of hundreds of words apart and put them together.
    Nobody counts references to arrays in bundles: whoever calls a kernel holds them.
    """

    def get_value_type(self) -> Any:
        """Return a type with a name: one without is spelled out wherever a bundle is mentioned."""
        name = f"{self.fe_type.instance_class.__name__}.{self.fe_type._code}"
        named = ir.global_context.get_identified_type(name)
        if named.is_opaque:
            named.set_body(*[model.get_value_type() for model in self._models])
        return named

    def get_argument_type(self) -> Any:
        """Return the types of what is handed over."""
        found = []
        for kind, model in zip(self.fe_type, self._models, strict=True):
            if _is_plain(kind):
                words = model.get_value_type().elements
                extent = words[model.get_field_position("itemsize")]
                found.append((words[model.get_field_position("data")], *[extent] * kind.ndim))
            else:
                found.append(model.get_argument_type())
        return tuple(found)

    def as_argument(self, builder: Any, value: Any) -> Any:
        """Return what is handed over of a bundle."""
        found = []
        for i, (kind, model) in enumerate(zip(self.fe_type, self._models, strict=True)):
            if _is_plain(kind):
                data, shape = model.get_field_position("data"), model.get_field_position("shape")
                extents = [builder.extract_value(value, [i, shape, axis]) for axis in range(kind.ndim)]
                found.append((builder.extract_value(value, [i, data]), *extents))
            else:
                found.append(model.as_argument(builder, builder.extract_value(value, [i])))
        return tuple(found)

    def from_argument(self, builder: Any, value: Any) -> Any:
        """Return the bundle again."""
        bundle = ir.Constant(self.get_value_type(), ir.Undefined)
        for i, (kind, model, part) in enumerate(zip(self.fe_type, self._models, value, strict=True)):
            whole = (
                _array(builder, kind, model, *part) if _is_plain(kind) else model.from_argument(builder, part)
            )
            bundle = builder.insert_value(bundle, whole, [i])
        return bundle


def _array(builder: Any, kind: Any, model: Any, data: Any, *shape: Any) -> Any:
    """Return an array whose elements lie side by side."""
    place = model.get_field_position
    word = shape[0].type
    width = numpy_support.as_dtype(kind.dtype).itemsize
    known = [ir.Constant(part, None) for part in model.get_value_type().elements]
    known[place("itemsize")] = ir.Constant(word, width)
    known[place("strides")] = ir.Constant(known[place("strides")].type, [*[0] * (kind.ndim - 1), width])
    array: Any = builder.insert_value(ir.Constant.literal_struct(known), data, [place("data")])
    count = shape[-1]
    array = builder.insert_value(array, count, [place("shape"), kind.ndim - 1])
    for axis in reversed(range(kind.ndim - 1)):
        step = builder.mul(count, ir.Constant(word, width))
        array = builder.insert_value(array, step, [place("strides"), axis])
        array = builder.insert_value(array, shape[axis], [place("shape"), axis])
        count = builder.mul(count, shape[axis])
    return builder.insert_value(array, count, [place("nitems")])


@register_default(TableType)
class _TableModel(models.StructModel):
    def __init__(self, manager: Any, kept: Any) -> None:
        members = [
            ("base", types.voidptr),
            ("capacity", types.intp),
            ("first", types.intp),
            ("size", types.intp),
        ]
        super().__init__(manager, kept, members)


@register_default(NestedType)
class _NestedModel(models.StructModel):
    def __init__(self, manager: Any, kept: Any) -> None:
        members = [
            ("base", types.voidptr),
            ("capacity", types.intp),
            ("slots", types.intp),
            ("rows", types.intp),
        ]
        super().__init__(manager, kept, members)


@register_default(RowType)
class _RowModel(models.StructModel):
    def __init__(self, manager: Any, kept: Any) -> None:
        members = [("base", types.voidptr), ("capacity", types.intp), ("index", types.intp)]
        super().__init__(manager, kept, members)


def _native(c: Any, kept: Any, source: Any, numbers: dict[str, str]) -> Any:
    """Return the struct of ``kept`` with members read from attributes of a Python object."""
    struct = cgutils.create_struct_proxy(kept)(c.context, c.builder)
    for member, attribute in numbers.items():
        value = c.pyapi.object_getattr_string(source, attribute)
        number = c.pyapi.number_as_ssize_t(value)
        c.pyapi.decref(value)
        if member == "base":
            number = c.builder.inttoptr(number, c.context.get_value_type(types.voidptr))
        setattr(struct, member, number)
    return struct


@unbox(TableType)
def _unbox_table(kept: Any, obj: Any, c: Any) -> NativeValue:
    numbers = {"base": "address", "capacity": "capacity", "first": "first", "size": "size"}
    struct = _native(c, kept, obj, numbers)
    return NativeValue(struct._getvalue(), is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


@unbox(NestedType)
def _unbox_nested(kept: Any, obj: Any, c: Any) -> NativeValue:
    struct = _native(c, kept, obj, {"base": "address", "capacity": "capacity"})
    shape = c.pyapi.object_getattr_string(obj, "shape")
    for member, place in (("rows", 0), ("slots", 1)):
        setattr(struct, member, c.pyapi.number_as_ssize_t(c.pyapi.tuple_getitem(shape, place)))
    c.pyapi.decref(shape)
    return NativeValue(struct._getvalue(), is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


@unbox(RowType)
def _unbox_row(kept: Any, obj: Any, c: Any) -> NativeValue:
    table = c.pyapi.object_getattr_string(obj, "_table")
    struct = _native(c, kept, table, {"base": "address", "capacity": "capacity"})
    c.pyapi.decref(table)
    index = c.pyapi.object_getattr_string(obj, "_index")
    struct.index = c.pyapi.number_as_ssize_t(index)
    c.pyapi.decref(index)
    return NativeValue(struct._getvalue(), is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


@infer_getattr
class _RowFields(AttributeTemplate):
    key = RowType

    def generic_resolve(self, row: Any, attribute: str) -> Any:  # type: ignore[override]
        return row.kinds.get(attribute)


@infer_getattr
class _TableFields(AttributeTemplate):
    key = TableType

    def resolve_size(self, table: Any) -> Any:
        return types.intp

    def generic_resolve(self, table: Any, attribute: str) -> Any:  # type: ignore[override]
        if attribute not in table.places or table.width or table.places[attribute].bits:
            return None
        return types.Array(table.kinds[attribute], 1, "C", readonly=table.constant)


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    prefer_literal = False

    def generic(self, args: Any, kws: Any) -> Any:
        table, index = args
        if not isinstance(index, types.Integer):
            return None
        if isinstance(table, TableType):
            return signature(table.become(RowType), table, types.intp)
        if isinstance(table, NestedType):
            return signature(table.become(TableType), table, types.intp)
        return None


class _Words:
    """A table or row whose words are taken out of its value, without a place in memory as Numba's own."""

    def __init__(self, context: Any, builder: Any, kept: Any, value: Any) -> None:
        self._place = context.data_model_manager[kept].get_field_position
        self._builder = builder
        self._value = value

    def __getattr__(self, word: str) -> Any:
        return self._builder.extract_value(self._value, self._place(word))


def _put_together(context: Any, builder: Any, kept: Any, **words: Any) -> Any:
    """Return a table or row of its words."""
    model = context.data_model_manager[kept]
    value = ir.Constant(model.get_value_type(), ir.Undefined)
    for name, word in words.items():
        value = builder.insert_value(value, word, model.get_field_position(name))
    return value


@lower_builtin(operator.getitem, TableType, types.Integer)
def _row_of_table(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    table = _Words(context, builder, sig.args[0], args[0])
    index = builder.add(table.first, args[1])
    return _put_together(
        context, builder, sig.return_type, base=table.base, capacity=table.capacity, index=index
    )


@lower_builtin(operator.getitem, NestedType, types.Integer)
def _table_of_nested(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    nested = _Words(context, builder, sig.args[0], args[0])
    slots = nested.slots
    first = builder.mul(slots, args[1])
    return _put_together(
        context, builder, sig.return_type, base=nested.base, capacity=nested.capacity, first=first, size=slots
    )


def pointer_of(context: Any, builder: Any, kept: Any, struct: Any, index: Any, field: str) -> Any:
    """Return the address of the field, or of the byte that it shares, of the record at ``index``."""
    before, kind = kept.places[field].offset, kept.kinds[field]
    typed = context.get_data_type(kind).as_pointer()
    number = struct.capacity.type
    if kept.width:
        start = builder.mul(index, ir.Constant(number, kept.width))
        return builder.bitcast(
            builder.gep(struct.base, [builder.add(start, ir.Constant(number, before))], inbounds=True), typed
        )
    column = builder.gep(
        struct.base, [builder.mul(struct.capacity, ir.Constant(number, before))], inbounds=True
    )
    return builder.gep(builder.bitcast(column, typed), [index], inbounds=True)


def _overlaps_nothing(builder: Any, kept: Any, field: str) -> Any:
    """Return the metadata that say that an access to a field meets no access to another field.

    Fields of bits meet those with which they share a byte.
    """
    place = kept.places[field]
    name = f"byte {place.offset}" if place.bits else field
    module = builder.module
    root = module.add_metadata([_ROOT])
    kind = module.add_metadata([f"{kept.record}.{name}", root, ir.Constant(ir.IntType(64), 0)])
    return module.add_metadata([kind, kind, ir.Constant(ir.IntType(64), 0)])


@lower_getattr_generic(RowType)
def _get_field(context: Any, builder: Any, kept: Any, value: Any, field: str) -> Any:
    row = _Words(context, builder, kept, value)
    place, kind = kept.places[field], kept.kinds[field]
    loaded = builder.load(pointer_of(context, builder, kept, row, row.index, field))
    if kept.constant:
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    else:
        loaded.set_metadata("tbaa", _overlaps_nothing(builder, kept, field))
    if place.bits:
        shifted = builder.lshr(loaded, ir.Constant(loaded.type, place.shift))
        loaded = builder.and_(shifted, ir.Constant(loaded.type, place.mask))
    return context.data_model_manager[kind].from_data(builder, loaded)


@lower_setattr_generic(RowType)
def _set_field(context: Any, builder: Any, sig: Any, args: Any, field: str) -> None:
    kept = sig.args[0]
    if kept.constant:
        # what is read from such a table may be read once for many rows
        raise errors.TypingError(f"kernels never write into {kept.record} records, not even {field!r}")
    row = _Words(context, builder, kept, args[0])
    place, kind = kept.places[field], kept.kinds[field]
    value = context.cast(builder, args[1], sig.args[1], kind)
    data = context.data_model_manager[kind].as_data(builder, value)
    pointer = pointer_of(context, builder, kept, row, row.index, field)
    if place.bits:
        whole = builder.load(pointer)
        whole.set_metadata("tbaa", _overlaps_nothing(builder, kept, field))
        rest = builder.and_(whole, ir.Constant(whole.type, 255 - (place.mask << place.shift)))
        own = builder.and_(data, ir.Constant(data.type, place.mask))
        data = builder.or_(rest, builder.shl(own, ir.Constant(data.type, place.shift)))
    stored = builder.store(data, pointer)
    stored.set_metadata("tbaa", _overlaps_nothing(builder, kept, field))


@lower_getattr_generic(TableType)
def _get_column(context: Any, builder: Any, kept: Any, value: Any, field: str) -> Any:
    table = _Words(context, builder, kept, value)
    if field == "size":
        return table.size
    kind = kept.kinds[field]
    array_type = types.Array(kind, 1, "C", readonly=kept.constant)
    array = arrayobj.make_array(array_type)(context, builder)
    pointer = pointer_of(context, builder, kept, table, table.first, field)
    width = ir.Constant(table.size.type, context.get_abi_sizeof(context.get_data_type(kind)))
    arrayobj.populate_array(
        array, data=pointer, shape=[table.size], strides=[width], itemsize=width, meminfo=None
    )
    return array._getvalue()


def _items_overlap_no_field(builder: Any, dtype: Any) -> Any:
    """Return the metadata that say that an access to an array's item meets no field of a record."""
    module = builder.module
    root = module.add_metadata([_ROOT])
    kind = module.add_metadata([f"array of {dtype}", root, ir.Constant(ir.IntType(64), 0)])
    return module.add_metadata([kind, kind, ir.Constant(ir.IntType(64), 0)])


def _load_item(context: Any, builder: Any, array: Any, pointer: Any) -> Any:
    """Read an array's item as Numba does, and say that it is no field."""
    if not isinstance(array.dtype, types.Number):
        return _LOAD_ITEM(context, builder, array, pointer)
    loaded = builder.load(pointer, align=None if array.aligned else 1)
    loaded.set_metadata("tbaa", _items_overlap_no_field(builder, array.dtype))
    return context.data_model_manager[array.dtype].from_data(builder, loaded)


def _store_item(context: Any, builder: Any, array: Any, value: Any, pointer: Any) -> Any:
    """Write an array's item as Numba does, and say that it is no field."""
    if not isinstance(array.dtype, types.Number):
        return _STORE_ITEM(context, builder, array, value, pointer)
    data = context.data_model_manager[array.dtype].as_data(builder, value)
    stored = builder.store(data, pointer, align=None if array.aligned else 1)
    stored.set_metadata("tbaa", _items_overlap_no_field(builder, array.dtype))
    return stored


@contextlib.contextmanager
def arrays_beside_records() -> Iterator[None]:
    """Compile with the promise that no array shares memory with a record, nor reals with whole numbers.

    Kernels are handed tables and arrays, never a table's column as an array (``_get_column`` is for tests, of
    that column alone). What is booked into an array then leaves what was read from households as it was.
    """
    arrayobj.load_item, arrayobj.store_item = _load_item, _store_item
    try:
        yield
    finally:
        arrayobj.load_item, arrayobj.store_item = _LOAD_ITEM, _STORE_ITEM
