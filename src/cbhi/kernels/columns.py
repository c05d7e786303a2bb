"""Tables of records: how kernels read ``households[h].cash`` and ``rule.attention``.

A pass over households touches a few of their sixty fields, so each field of households and members is an
array of its own (kept by columns): what a pass does not touch is not fetched, and neighbours lie side by
side. What is few and read whole, such as sections and the rules of a month, is kept by rows. Either way all
of a table lies in one buffer, and a row is (address of the buffer, rows of the buffer, index): three numbers,
however many fields there are. (NamedTuples with one array a field were tried first: every call copied their
260 words. NumPy's structured arrays know rows only.)

What takes a few bits shares a byte with others of its kind, in tables kept by columns: half of what is known
of a member is yes or no. Such a field is read and written like any other; as an array it is a copy.

The same attribute syntax works in plain Python and compiled. The compiler is told what it cannot see: two
fields never overlap, and tables of rules do not change while kernels run. Kernels do not check that a row is
in range, and negative indices do not count from the end there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numba.extending import typeof_impl

from cbhi.kernels.record_types import BundleType, NestedType, Place, RowType, TableType

# columns start on multiples of this, bytes: a cache line, and the widest vector
ALIGNMENT = 64
_TYPES: dict[Any, Any] = {}
_BUNDLES: dict[Any, Any] = {}
_BYTE = 8


@functools.cache
def _places(
    dtype: np.dtype[Any], by_rows: bool, bits_of: tuple[tuple[str, int], ...]
) -> tuple[tuple[Place, ...], int]:
    """Return where in a record each field lies, and the bytes that a record takes.

    Kept, since NumPy takes as long to name the fields of a record as kernels take for a month.
    """
    fields: Any = dtype.fields or {}
    bits = dict(bits_of)
    if by_rows:
        if bits:
            raise TypeError(f"only tables kept by columns have fields of bits: {', '.join(bits)}")
        return tuple(Place(name, of.str, offset, 0, 0) for name, (of, offset, *_) in fields.items()), (
            dtype.itemsize
        )
    found = []
    end, shared, used = 0, 0, _BYTE
    for name, (of, *_) in fields.items():
        width = bits.get(name, 0)
        if width == 0:
            found.append(Place(name, of.str, end, 0, 0))
            end += of.itemsize
            continue
        if used + width > _BYTE:
            shared, used = end, 0
            end += 1
        found.append(Place(name, of.str, shared, used, width))
        used += width
    return tuple(found), end


def _columns_of(
    buffer: np.ndarray[Any, Any],
    dtype: np.dtype[Any],
    places: tuple[Place, ...],
    capacity: int,
    by_rows: bool,
) -> dict[str, np.ndarray[Any, Any]]:
    """Return the fields of a buffer of records as arrays that share its memory; for bits, the whole bytes."""
    if by_rows:
        records = buffer.view(dtype)
        return {place.name: records[place.name] for place in places}
    columns = {}
    for place in places:
        kind = np.dtype(np.uint8 if place.bits else place.kind)
        begin = place.offset * capacity
        columns[place.name] = buffer[begin : begin + kind.itemsize * capacity].view(kind)
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
    bits
        Fields that share a byte with others, and how many bits each takes; they hold whole numbers from 0 on.
    """

    __slots__ = (
        "_columns", "_is_part", "_packed", "bits", "buffer", "by_rows", "capacity", "constant", "dtype",
        "first", "places", "record", "shape", "width",
    )  # fmt: skip

    def __init__(
        self,
        record: str,
        dtype: np.dtype[Any],
        shape: int | tuple[int, ...],
        by_rows: bool = False,
        constant: bool = False,
        bits: Mapping[str, int] | None = None,
    ) -> None:
        self.record = record
        self.dtype = dtype
        self.shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        self.by_rows = by_rows
        self.constant = constant
        self.first = 0
        self._is_part = False
        self.capacity = -(-max(1, self.size) // ALIGNMENT) * ALIGNMENT
        self.bits = dict(bits or {})
        self.places, self.width = _places(dtype, by_rows, tuple(self.bits.items()))
        raw = np.zeros(self.capacity * self.width + ALIGNMENT, dtype=np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        self.buffer = raw[start : start + self.capacity * self.width]
        self._columns = _columns_of(self.buffer, dtype, self.places, self.capacity, by_rows)
        self._packed = {place.name: place for place in self.places if place.bits}

    @property
    def _numba_type_(self) -> Any:
        return self._type(TableType if len(self.shape) == 1 else NestedType)

    def _type(self, kind: Any) -> Any:
        key = (kind, self.record, self.places, self.by_rows, self.constant)
        if key not in _TYPES:
            _TYPES[key] = kind(self.record, self.places, self.width if self.by_rows else 0, self.constant)
        return _TYPES[key]

    @property
    def size(self) -> int:
        """Number of records."""
        return int(math.prod(self.shape))

    @property
    def address(self) -> int:
        """Address of the buffer."""
        return int(self.buffer.ctypes.data)

    @property
    def nbytes(self) -> int:
        """Bytes that the records take."""
        return self.size * self.width

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """Return a field of all records, an array of the table's shape that shares its memory.

        A field of bits is a copy that cannot be written into.
        """
        kept = self._kept(name)
        if name not in self._packed:
            return kept
        place = self._packed[name]
        values = ((kept >> place.shift) & place.mask).astype(place.kind)
        values.flags.writeable = False
        return values

    def _kept(self, name: str) -> np.ndarray[Any, Any]:
        """Return what is kept of a field: itself, or the bytes of which it is a part."""
        return self._columns[name][self.first : self.first + self.size].reshape(self.shape)

    def _write(self, name: str, key: Any, value: Any) -> None:
        """Write a field of chosen records."""
        kept = self._kept(name)
        if name not in self._packed:
            kept[key] = value
            return
        place = self._packed[name]
        kept[key] = place.put(kept[key], np.asarray(value).astype(np.uint8))

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
        chosen = self.as_records(key)
        # a copy: what is written into it would be lost
        chosen.flags.writeable = False
        return chosen

    def __eq__(self, other: object) -> Any:
        """Return which records are equal in all fields, as for arrays."""
        return np.asarray(self) == np.asarray(other)

    def __ne__(self, other: object) -> Any:
        return np.asarray(self) != np.asarray(other)

    __hash__ = None  # type: ignore[assignment]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write a field, or into chosen rows the records of a row, a table or a structured array."""
        if isinstance(key, str):
            self._write(key, ..., value)
        else:
            for name in self._columns:
                self._write(name, key, value[name])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(f"a table of {self.record} records has no field {name!r}")
        return self.column(name)

    def _inner(self, place: int) -> RecordTable:
        inner = object.__new__(RecordTable)
        inner.record, inner.dtype = self.record, self.dtype
        inner.by_rows, inner.constant = self.by_rows, self.constant
        inner._is_part = True
        inner.bits, inner.places, inner.width = self.bits, self.places, self.width
        inner._packed = self._packed
        inner.buffer, inner.capacity, inner._columns = self.buffer, self.capacity, self._columns
        inner.shape = self.shape[1:]
        inner.first = self.first + place * self.shape[1]
        return inner

    def as_records(self, key: Any = ...) -> np.ndarray[Any, Any]:
        """Return a copy as a structured array, of all records or of those that an index chooses."""
        chosen = {name: self.column(name)[key] for name in self._columns}
        records = np.zeros(next(iter(chosen.values())).shape, dtype=self.dtype)
        for name, values in chosen.items():
            records[name] = values
        return records.view(np.recarray)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if copy is False:
            raise ValueError("a table of records has no structured array to share")
        records = self.as_records().view(np.ndarray)
        return records if dtype is None else records.astype(dtype)

    def copy(self) -> RecordTable:
        """Return a table of its own with the same records."""
        other = RecordTable(self.record, self.dtype, self.shape, self.by_rows, self.constant, self.bits)
        if self._is_part:
            other[...] = self
        else:
            other.buffer[:] = self.buffer
        return other

    def __deepcopy__(self, memo: Any) -> RecordTable:
        return self.copy()

    def __reduce__(self) -> Any:
        # columns share one buffer, which copies of the parts one by one would not
        raise TypeError("tables of records are not pickled; as_records() gives an array that is")


class Row:
    """One record of a table; what is written into it is written into the table."""

    __slots__ = ("_index", "_table")
    _index: int
    _table: RecordTable

    def __init__(self, table: RecordTable, index: int) -> None:
        object.__setattr__(self, "_table", table)
        object.__setattr__(self, "_index", index)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"a {self._table.record} has no field {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            self[name] = value
        except KeyError:
            raise AttributeError(f"a {self._table.record} has no field {name!r}") from None

    def __getitem__(self, name: str) -> Any:
        table = self._table
        kept = table._columns[name][self._index]
        place = table._packed.get(name)
        return kept if place is None else np.int8((int(kept) >> place.shift) & place.mask)

    def __setitem__(self, name: str, value: Any) -> None:
        table = self._table
        place = table._packed.get(name)
        kept = table._columns[name]
        kept[self._index] = value if place is None else place.put(int(kept[self._index]), int(value))

    def __eq__(self, other: object) -> bool:
        """Return whether all fields are equal to those of another row."""
        if not isinstance(other, Row) or other.dtype != self.dtype:
            return NotImplemented
        return all(self[name] == other[name] for name in self._table._columns)

    __hash__ = None  # type: ignore[assignment]

    @property
    def _numba_type_(self) -> Any:
        return self._table._type(RowType)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Structured dtype with the record's fields."""
        return self._table.dtype

    def copy(self) -> Row:
        """Return the row of a table of its own with the same record."""
        of = self._table
        table = RecordTable(of.record, of.dtype, 1, of.by_rows, of.constant, of.bits)
        table[0] = self
        return Row(table, 0)


def _described(value: Any) -> Any:
    """Return something hashable that decides the type as which kernels get a value."""
    if isinstance(value, RecordTable):
        return value._numba_type_
    if isinstance(value, np.ndarray):
        flags = value.flags
        return value.dtype, value.ndim, flags.c_contiguous, flags.f_contiguous, flags.writeable
    if isinstance(value, tuple):
        return (type(value), *map(_described, value))
    # beyond 63 bits a whole number is an unsigned one
    return (int, value.bit_length() < 64) if type(value) is int else type(value)


def is_bundle(kind: type[Any]) -> type[Any]:
    """Let calls of kernels know the type of a NamedTuple that holds tables without asking all its parts.

    Numba would work out the type of such a tuple anew in every call, which takes it almost a millisecond.
    """

    def typed(bundle: Any, c: Any) -> Any:
        key = _described(bundle)
        if key not in _BUNDLES:
            parts = [typeof_impl(part, c) for part in bundle]
            _BUNDLES[key] = BundleType(parts, kind)
        return _BUNDLES[key]

    typeof_impl.register(kind)(typed)
    return kind
