"""Tables of records: how kernels read ``households[h].cash`` and ``rule.attention``.

A pass over households touches a few of their sixty fields, so each field of households and members is an
array of its own (kept by columns): what a pass does not touch is not fetched, and neighbours lie side by
side. What is few and read whole, such as sections and the rules of a month, is kept by rows. Either way all
of a table lies in one buffer, and a row is (address of the buffer, rows of the buffer, index): three numbers,
however many fields there are. (NamedTuples with one array a field were tried first: every call copied their
260 words. NumPy's structured arrays know rows only.)

The same attribute syntax works in plain Python and compiled. The compiler is told what it cannot see: two
fields never overlap, and tables of rules do not change while kernels run. Kernels do not check that a row is
in range, and negative indices do not count from the end there.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models, register_default
from numba.core.imputils import lower_builtin, lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import NativeValue, typeof_impl, unbox
from numba.np import arrayobj, numpy_support

# columns start on multiples of this, bytes: a cache line, and the widest vector
ALIGNMENT = 64


def _width(dtype: np.dtype[Any], by_rows: bool) -> int:
    """Return the bytes that a record takes."""
    return dtype.itemsize if by_rows else sum(dtype[name].itemsize for name in dtype.names or ())


def _columns_of(
    buffer: np.ndarray[Any, Any], dtype: np.dtype[Any], capacity: int, by_rows: bool
) -> dict[str, np.ndarray[Any, Any]]:
    """Return the fields of a buffer of records as arrays that share its memory."""
    names = dtype.names or ()
    if by_rows:
        records = buffer.view(dtype)
        return {name: records[name] for name in names}
    columns = {}
    place = 0
    for name in names:
        taken = dtype[name].itemsize * capacity
        columns[name] = buffer[place : place + taken].view(dtype[name])
        place += taken
    return columns


class RecordTable:
    """A table of records; ``table["field"]`` is an array, ``table[row].field`` a number.

    Parameters
    ----------
    record
        Name of the record.
    dtype
        Structured dtype with its fields.
    shape
        Rows, or (rows, slots) for a table whose rows are tables themselves.
    by_rows
        Kept by rows; otherwise by columns.
    constant
        Kernels never write into it.
    """

    __slots__ = ("_columns", "buffer", "by_rows", "capacity", "constant", "dtype", "first", "record", "shape")

    def __init__(
        self,
        record: str,
        dtype: np.dtype[Any],
        shape: int | tuple[int, ...],
        by_rows: bool = False,
        constant: bool = False,
    ) -> None:
        self.record = record
        self.dtype = dtype
        self.shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        self.by_rows = by_rows
        self.constant = constant
        self.first = 0
        self.capacity = -(-max(1, self.size) // ALIGNMENT) * ALIGNMENT
        width = _width(dtype, by_rows)
        raw = np.zeros(self.capacity * width + ALIGNMENT, dtype=np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        self.buffer = raw[start : start + self.capacity * width]
        self._columns = _columns_of(self.buffer, dtype, self.capacity, by_rows)

    @property
    def size(self) -> int:
        """Number of records."""
        return int(np.prod(self.shape))

    @property
    def address(self) -> int:
        """Address of the buffer."""
        return int(self.buffer.ctypes.data)

    @property
    def nbytes(self) -> int:
        """Bytes that the records take."""
        return self.size * _width(self.dtype, self.by_rows)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """Return a field of all records, an array of the table's shape that shares its memory."""
        return self._columns[name][self.first : self.first + self.size].reshape(self.shape)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.column(key)
        if isinstance(key, (int, np.integer)):
            if not -len(self) <= key < len(self):
                raise IndexError(f"row {key} of a table of {len(self)} rows")
            place = int(key) % len(self)
            if len(self.shape) == 1:
                return Row(self, self.first + place)
            return self._inner(place)
        if isinstance(key, tuple) and all(isinstance(k, (int, np.integer)) for k in key):
            return self[key[0]][key[1]]
        chosen = self.as_records()[key]
        # a copy: what is written into it would be lost
        chosen.flags.writeable = False
        return chosen

    def __setitem__(self, key: str, value: Any) -> None:
        self.column(key)[...] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(f"a table of {self.record} records has no field {name!r}")
        return self.column(name)

    def _inner(self, place: int) -> RecordTable:
        inner = object.__new__(RecordTable)
        inner.record, inner.dtype = self.record, self.dtype
        inner.by_rows, inner.constant = self.by_rows, self.constant
        inner.buffer, inner.capacity, inner._columns = self.buffer, self.capacity, self._columns
        inner.shape = self.shape[1:]
        inner.first = self.first + place * self.shape[1]
        return inner

    def as_records(self) -> np.ndarray[Any, Any]:
        """Return a copy as a structured array."""
        records = np.zeros(self.shape, dtype=self.dtype)
        for name in self._columns:
            records[name] = self.column(name)
        return records.view(np.recarray)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if copy is False:
            raise ValueError("a table of records has no structured array to share")
        return self.as_records().view(np.ndarray) if dtype is None else self.as_records().astype(dtype)

    def copy(self) -> RecordTable:
        """Return a table of its own with the same records."""
        other = RecordTable(self.record, self.dtype, self.shape, self.by_rows, self.constant)
        other.take_over(self)
        return other

    def take_over(self, other: RecordTable) -> None:
        """Write the records of another table of the same shape over one's own."""
        for name in self._columns:
            self.column(name)[...] = other.column(name)


class Row:
    """One record of a table."""

    __slots__ = ("_index", "_table")

    def __init__(self, table: RecordTable, index: int) -> None:
        object.__setattr__(self, "_table", table)
        object.__setattr__(self, "_index", index)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._table._columns[name][self._index]
        except KeyError:
            raise AttributeError(f"a {self._table.record} has no field {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            self._table._columns[name][self._index] = value
        except KeyError:
            raise AttributeError(f"a {self._table.record} has no field {name!r}") from None

    def __getitem__(self, name: str) -> Any:
        return self._table._columns[name][self._index]

    def __setitem__(self, name: str, value: Any) -> None:
        self._table._columns[name][self._index] = value

    @property
    def dtype(self) -> np.dtype[Any]:
        """Structured dtype with the record's fields."""
        return self._table.dtype

    def as_record(self) -> Any:
        """Return a copy as a structured scalar."""
        record = np.zeros(1, dtype=self._table.dtype).view(np.recarray)
        for name in self._table._columns:
            record[name] = self._table._columns[name][self._index]
        return record[0]


class _Kept(types.Type):
    """What tables and rows of one kind of record have in common: fields, and where they lie.

    ``fields`` are (name, dtype, offset in a row); ``width`` is the bytes of a row, 0 when kept by columns.
    """

    def __init__(self, record: str, fields: tuple[tuple[str, str, int], ...], width: int, constant: bool) -> None:
        super().__init__(f"{type(self).__name__}({record}, {fields}, {width}, {constant})")
        self.record = record
        self.fields = fields
        self.width = width
        self.constant = constant
        self.places: dict[str, tuple[int, Any]] = {}
        before = 0
        for field, kind, offset in fields:
            place = offset if width else before
            self.places[field] = (place, numpy_support.from_dtype(np.dtype(kind)))
            before += np.dtype(kind).itemsize

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


@register_default(TableType)
class _TableModel(models.StructModel):
    def __init__(self, manager: Any, kept: Any) -> None:
        members = [("base", types.voidptr), ("capacity", types.intp), ("first", types.intp), ("size", types.intp)]
        super().__init__(manager, kept, members)


@register_default(NestedType)
class _NestedModel(models.StructModel):
    def __init__(self, manager: Any, kept: Any) -> None:
        members = [("base", types.voidptr), ("capacity", types.intp), ("slots", types.intp), ("rows", types.intp)]
        super().__init__(manager, kept, members)


@register_default(RowType)
class _RowModel(models.StructModel):
    def __init__(self, manager: Any, kept: Any) -> None:
        members = [("base", types.voidptr), ("capacity", types.intp), ("index", types.intp)]
        super().__init__(manager, kept, members)


def _type_of(table: RecordTable, kind: Any) -> Any:
    fields = table.dtype.fields or {}
    described = tuple((name, of.str, offset) for name, (of, offset, *_) in fields.items())
    return kind(table.record, described, table.dtype.itemsize if table.by_rows else 0, table.constant)


@typeof_impl.register(RecordTable)
def _typeof_table(table: RecordTable, _: Any) -> Any:
    return _type_of(table, TableType if len(table.shape) == 1 else NestedType)


@typeof_impl.register(Row)
def _typeof_row(row: Row, _: Any) -> Any:
    return _type_of(row._table, RowType)


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

    def generic_resolve(self, row: Any, attribute: str) -> Any:
        place = row.places.get(attribute)
        return None if place is None else place[1]


@infer_getattr
class _TableFields(AttributeTemplate):
    key = TableType

    def resolve_size(self, table: Any) -> Any:
        return types.intp

    def generic_resolve(self, table: Any, attribute: str) -> Any:
        place = table.places.get(attribute)
        if place is None or table.width:
            return None
        return types.Array(place[1], 1, "C", readonly=table.constant)


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


@lower_builtin(operator.getitem, TableType, types.Integer)
def _row_of_table(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    table = cgutils.create_struct_proxy(sig.args[0])(context, builder, args[0])
    row = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    row.base = table.base
    row.capacity = table.capacity
    row.index = builder.add(table.first, args[1])
    return row._getvalue()


@lower_builtin(operator.getitem, NestedType, types.Integer)
def _table_of_nested(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    nested = cgutils.create_struct_proxy(sig.args[0])(context, builder, args[0])
    table = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    table.base = nested.base
    table.capacity = nested.capacity
    table.first = builder.mul(nested.slots, args[1])
    table.size = nested.slots
    return table._getvalue()


def _field_pointer(context: Any, builder: Any, kept: Any, struct: Any, index: Any, field: str) -> Any:
    """Return the address of the field of the record at ``index``."""
    before, kind = kept.places[field]
    typed = context.get_data_type(kind).as_pointer()
    number = struct.capacity.type
    if kept.width:
        start = builder.mul(index, ir.Constant(number, kept.width))
        return builder.bitcast(builder.gep(struct.base, [builder.add(start, ir.Constant(number, before))]), typed)
    column = builder.gep(struct.base, [builder.mul(struct.capacity, ir.Constant(number, before))])
    return builder.gep(builder.bitcast(column, typed), [index])


def _overlaps_nothing(builder: Any, kept: Any, field: str) -> Any:
    """Return the metadata that say that an access to a field meets no access to another field."""
    module = builder.module
    root = module.add_metadata(["cbhi columns"])
    kind = module.add_metadata([f"{kept.record}.{field}", root, ir.Constant(ir.IntType(64), 0)])
    return module.add_metadata([kind, kind, ir.Constant(ir.IntType(64), 0)])


@lower_getattr_generic(RowType)
def _get_field(context: Any, builder: Any, kept: Any, value: Any, field: str) -> Any:
    row = cgutils.create_struct_proxy(kept)(context, builder, value)
    _, kind = kept.places[field]
    loaded = builder.load(_field_pointer(context, builder, kept, row, row.index, field))
    if kept.constant:
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    else:
        loaded.set_metadata("tbaa", _overlaps_nothing(builder, kept, field))
    return context.data_model_manager[kind].from_data(builder, loaded)


@lower_setattr_generic(RowType)
def _set_field(context: Any, builder: Any, sig: Any, args: Any, field: str) -> None:
    kept = sig.args[0]
    row = cgutils.create_struct_proxy(kept)(context, builder, args[0])
    _, kind = kept.places[field]
    value = context.cast(builder, args[1], sig.args[1], kind)
    data = context.data_model_manager[kind].as_data(builder, value)
    stored = builder.store(data, _field_pointer(context, builder, kept, row, row.index, field))
    stored.set_metadata("tbaa", _overlaps_nothing(builder, kept, field))


@lower_getattr_generic(TableType)
def _get_column(context: Any, builder: Any, kept: Any, value: Any, field: str) -> Any:
    table = cgutils.create_struct_proxy(kept)(context, builder, value)
    if field == "size":
        return table.size
    _, kind = kept.places[field]
    array_type = types.Array(kind, 1, "C", readonly=kept.constant)
    array = arrayobj.make_array(array_type)(context, builder)
    pointer = _field_pointer(context, builder, kept, table, table.first, field)
    width = ir.Constant(table.size.type, context.get_abi_sizeof(context.get_data_type(kind)))
    arrayobj.populate_array(
        array, data=pointer, shape=[table.size], strides=[width], itemsize=width, meminfo=None
    )
    return array._getvalue()
