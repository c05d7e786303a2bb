"""Tables of records: the same rows by rows and by columns, in plain Python and compiled."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core import types
from numba.core.errors import TypingError
from support import fixed, groups, households, quick, section, state, work

from cbhi.kernels import codes
from cbhi.kernels.columns import ALIGNMENT, RecordTable, Row, is_bundle
from cbhi.kernels.records import (
    Bit,
    CalendarMonth,
    District,
    Flag,
    Household,
    Interview,
    Member,
    Month,
    Nation,
    Real,
    Record,
    Rule,
    Section,
    Two,
    record_table,
)


class ByRows(Record):
    """Fields of four widths, so that rows have gaps and columns lie apart."""

    small: Flag
    money: int
    month: Month
    share: Real
    ratio: float


class ByColumns(Record):
    """The same, one array a field."""

    layout = "columns"

    small: Flag
    money: int
    month: Month
    share: Real
    ratio: float


class FixedRows(Record):
    """Kernels only read it; by rows."""

    constant = True

    small: Flag
    ratio: float


class FixedColumns(Record):
    """Kernels only read it; by columns."""

    layout = "columns"
    constant = True

    small: Flag
    ratio: float


class ByBits(Record):
    """Fields of bits, more than go into a byte, among others."""

    layout = "columns"

    first: Bit
    money: int
    pair: Two
    second: Bit
    another: Two
    month: Month
    third: Bit
    last: Two


BITS = {"first": 1, "pair": 2, "second": 1, "another": 2, "third": 1, "last": 2}
LAYOUTS = [ByRows, ByColumns]
FIELDS = ("small", "money", "month", "share", "ratio")


def filled(kind: type[Record], shape: int | tuple[int, ...]) -> Any:
    """A table whose every number is another."""
    table = record_table(kind, shape)
    for place, name in enumerate(FIELDS):
        table[name] = np.arange(table.size).reshape(table.shape) + 20 * place
    return table


both = pytest.mark.parametrize("kind", LAYOUTS)


@numba.njit
def read_row(row):
    return row.small, row.money, row.month, row.share, row.ratio


@numba.njit
def read_place(table, place):
    row = table[place]
    return row.small, row.money, row.month, row.share, row.ratio


@numba.njit
def write_row(row, number, real):
    row.small = number
    row.money = real
    row.month = real
    row.share = real
    row.ratio = number


@numba.njit
def raise_all(table, by):
    for place in range(table.size):
        table[place].money += by
        row = table[place]
        row.small += 1


@numba.njit
def raise_slot(nested, place, slot):
    nested[place][slot].money += 1
    table = nested[place]
    table[slot].ratio = table.size
    return table[slot].money


@numba.njit
def sum_column(table):
    total = 0
    for value in table.money:
        total += value
    return total


@numba.njit
def sum_constant_column(table):
    return table.ratio.sum()


@numba.njit
def ratio_of(row):
    return row.ratio


@numba.njit
def set_ratio(row):
    row.ratio = 1.0


@numba.njit
def no_such_field(row):
    return row.nothing


@numba.njit
def same_again(value):
    return 0


@numba.njit
def read_bits(table, place):
    row = table[place]
    return row.first, row.pair, row.second, row.another, row.third, row.last


@numba.njit
def write_bits(table, place, values):
    row = table[place]
    row.first = values[0]
    row.pair = values[1]
    row.second = values[2]
    row.another = values[3]
    row.third = values[4]
    row.last = values[5]


@numba.njit
def add_bits(table):
    total = 0
    for place in range(table.size):
        row = table[place]
        row.pair = 3 - row.pair
        total += int(row.pair) * int(row.second)
    return total


@numba.njit
def column_of_bits(table):
    return table.pair.sum()


def in_compiled_and_plain(kernel: Any, make: Callable[[], tuple[Any, ...]]) -> tuple[Any, Any, Any, Any]:
    """Call a kernel compiled and plain on equal arguments; return both results and both first arguments."""
    compiled, plain = make(), make()
    return kernel(*compiled), getattr(kernel, "py_func", kernel)(*plain), compiled[0], plain[0]


class TestPlain:
    @both
    def test_rows_read_and_write_the_fields_of_the_table(self, kind: type[Record]) -> None:
        table = filled(kind, 5)
        row = table[3]
        assert isinstance(row, Row)
        assert (
            [getattr(row, name) for name in FIELDS] == [row[name] for name in FIELDS] == [3, 23, 43, 63, 83]
        )
        row.money, row["share"] = 7, 0.25
        assert table["money"].tolist() == [20, 21, 22, 7, 24]
        assert table.share.tolist() == [60, 61, 62, 0.25, 64]
        table["money"][3] = 8
        assert row.money == table[3].money == 8

    @both
    def test_storage_is_as_narrow_as_the_field_says(self, kind: type[Record]) -> None:
        table = record_table(kind, 2)
        assert [table[name].dtype.str for name in FIELDS] == ["|i1", "<i8", "<i2", "<f4", "<f8"]
        assert table.dtype.names == table[0].dtype.names == FIELDS
        # columns have no gaps
        assert table.nbytes == 2 * (23 if kind is ByColumns else table.dtype.itemsize)
        assert table.dtype.itemsize > 23

    @both
    def test_a_negative_row_counts_from_the_end_and_no_row_lies_outside(self, kind: type[Record]) -> None:
        table = filled(kind, 4)
        assert table[-1].money == table[np.int64(3)].money == 23
        for row in (4, -5, np.int64(4)):
            with pytest.raises(IndexError, match=f"row {row} of a table of 4 rows"):
                table[row]
        # room that a table has for its alignment is none of it
        assert len(table) == table.size == 4
        assert [row.money for row in table] == [20, 21, 22, 23]
        with pytest.raises(IndexError):
            record_table(kind, 0)[0]

    @both
    def test_wrong_names_are_named(self, kind: type[Record]) -> None:
        table = filled(kind, 2)
        for wrong in (
            lambda: table.nothing,
            lambda: table[0].nothing,
            lambda: setattr(table[0], "nothing", 1),
        ):
            with pytest.raises(AttributeError, match=f"{kind.__name__}.* has no field 'nothing'"):
                wrong()
        for lost in (lambda: table["nothing"], lambda: table[0]["nothing"]):
            with pytest.raises(KeyError):
                lost()
        with pytest.raises(KeyError):
            table["nothing"] = 1
        with pytest.raises(AttributeError):
            table.nothing = 1

    @both
    def test_rows_of_a_nested_table_are_tables(self, kind: type[Record]) -> None:
        nested = filled(kind, (3, 4))
        inner = nested[1]
        assert isinstance(inner, RecordTable)
        assert (nested.shape, nested.size, inner.shape, inner.size) == ((3, 4), 12, (4,), 4)
        assert inner["money"].tolist() == [24, 25, 26, 27]
        assert nested[1, 2].money == inner[2].money == nested["money"][1, 2] == 26
        inner[3].money = 99
        nested[2, 0].money = 98
        assert nested["money"].ravel().tolist() == [20, 21, 22, 23, 24, 25, 26, 99, 98, 29, 30, 31]
        with pytest.raises(IndexError):
            inner[4]

    @both
    def test_what_is_chosen_by_slice_or_mask_is_a_copy_that_cannot_be_written(
        self, kind: type[Record]
    ) -> None:
        table = filled(kind, 6)
        for key in (slice(1, 4), np.arange(6) % 2 == 1, np.array([1, 3, 5])):
            chosen = table[key]
            assert chosen["ratio"].tolist() == table["ratio"][key].tolist()
            assert chosen.dtype.names == FIELDS
            with pytest.raises(ValueError, match="read-only"):
                chosen["money"][0] = 1
        nested = filled(kind, (3, 4))
        assert nested[1, :2]["money"].tolist() == [24, 25]
        assert nested[1:].shape == (2, 4)
        # a copy of the copy is one's own
        own = table[:2].copy()
        own["money"] = 0
        assert table["money"][:2].tolist() == [20, 21]

    @both
    def test_records_are_written_over_rows(self, kind: type[Record]) -> None:
        other = ByColumns if kind is ByRows else ByRows
        table, more = record_table(kind, 4), filled(other, 4)
        table[0] = more[2]
        table[1:3] = more[2:]
        table[np.array([3])] = more.as_records()[:1]
        for name in FIELDS:
            assert table[name].tolist() == more[name][[2, 2, 3, 0]].tolist()
        table[[0, 3]] = table[[3, 0]]
        assert table["money"].tolist() == [20, 22, 23, 22]
        nested = record_table(kind, (2, 4))
        nested[1] = more
        nested[0][:] = more
        for name in FIELDS:
            assert nested[name].tolist() == [more[name].tolist()] * 2

    @both
    def test_copies_are_their_own(self, kind: type[Record]) -> None:
        table = filled(kind, 3)
        row, inner = table[1], filled(kind, (3, 4))[1]
        for mine, value in ((table.copy(), 21), (copy.deepcopy(table), 21), (inner.copy(), 25)):
            assert mine[1].money == value
            mine[1].money = 0
            assert mine["money"][1] == 0
            # also in the buffer that kernels see
            assert read_place(mine, 1)[1] == 0
        lone = row.copy()
        lone.money = 0
        assert (lone.money, lone.ratio, row.money, inner[1].money) == (0, 81, 21, 25)
        assert table["money"].tolist() == [20, 21, 22]

    @both
    def test_rows_and_tables_are_compared_by_what_they_hold(self, kind: type[Record]) -> None:
        table, other = filled(kind, 3), filled(ByRows, 3)
        assert table[1] == table.copy()[1] == other[1]
        assert (table == other).tolist() == [True] * 3
        for name in FIELDS:
            changed = table.copy()
            changed[1][name] += 1
            assert changed[1] != table[1]
            assert changed[0] == table[0]
            assert (changed == table).tolist() == [True, False, True]
            assert (changed != table).tolist() == [False, True, False]
        assert table[1] != table[2]
        assert table[1] != record_table(FixedRows, 3)[1]
        assert table[1] != 1
        for unhashable in (table, table[0]):
            with pytest.raises(TypeError, match="unhashable"):
                hash(unhashable)

    @both
    def test_as_a_structured_array(self, kind: type[Record]) -> None:
        table = filled(kind, (2, 3))
        records = np.asarray(table)
        assert (records.shape, records.dtype) == (table.shape, table.dtype)
        for name in FIELDS:
            np.testing.assert_array_equal(records[name], table[name])
        # gaps between fields are zeros: they are written to files
        assert records.tobytes() == np.asarray(table.copy()).tobytes()
        records["money"] = 0
        assert table["money"].sum() == sum(range(20, 26))
        with pytest.raises(ValueError, match="share"):
            np.asarray(table, copy=False)

    def test_tables_are_not_pickled(self) -> None:
        with pytest.raises(TypeError, match="as_records"):
            pickle.dumps(record_table(ByRows, 2))

    @both
    @pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 1000])
    def test_what_a_table_holds_starts_on_a_cache_line(self, kind: type[Record], rows: int) -> None:
        table = record_table(kind, rows)
        assert table.address % ALIGNMENT == 0
        if kind is ByColumns:
            starts = [table[name].ctypes.data for name in FIELDS]
            assert all(start % ALIGNMENT == 0 for start in starts)
            ends = [start + table[name].nbytes for start, name in zip(starts, FIELDS, strict=True)]
            assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
            assert table.address <= starts[0]
            assert ends[-1] <= table.address + table.buffer.nbytes
        for name in FIELDS:
            assert table[name].flags.aligned
            # numbers of their own: no field reaches into another
            table[name] = np.arange(rows) % 100
        assert all(table[name].tolist() == (np.arange(rows) % 100).tolist() for name in FIELDS)

    def test_what_is_written_out_is_a_structured_array(self) -> None:
        table = record_table(Interview, 3)
        assert isinstance(table, np.recarray)
        assert not table["month"].any()


class TestCompiled:
    """With compiling switched off these compare plain Python with itself."""

    @both
    def test_reads_what_plain_python_reads(self, kind: type[Record]) -> None:
        for place in range(3):
            ours, theirs, *_ = in_compiled_and_plain(read_row, lambda place=place: (filled(kind, 3)[place],))
            assert ours == theirs == tuple(place + 20 * k for k in range(5))
            ours, theirs, *_ = in_compiled_and_plain(read_place, lambda place=place: (filled(kind, 3), place))
            assert ours == theirs == tuple(place + 20 * k for k in range(5))
        inner = filled(kind, (3, 4))[2]
        assert read_place(inner, 1) == (9, 29, 49, 69, 89)
        assert read_row(inner[1]) == (9, 29, 49, 69, 89)

    @both
    def test_writes_what_plain_python_writes(self, kind: type[Record]) -> None:
        _, _, ours, theirs = in_compiled_and_plain(raise_all, lambda: (filled(kind, 70), 5))
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()
        assert ours["money"].tolist() == [25 + i for i in range(70)]
        assert ours["small"].tolist() == [1 + i for i in range(70)]
        assert ours["ratio"].tolist() == [80 + i for i in range(70)]

    @both
    def test_nested_tables(self, kind: type[Record]) -> None:
        found, expected, ours, theirs = in_compiled_and_plain(
            raise_slot, lambda: (filled(kind, (70, 4)), 69, 2)
        )
        assert found == expected == 20 + 278 + 1
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()
        assert ours["ratio"][69].tolist() == [80 + 276, 80 + 277, 4, 80 + 279]

    @both
    @given(number=st.integers(-128, 127), real=st.floats(-32_768, 32_767, exclude_min=True))
    @quick
    def test_numbers_are_stored_alike(self, kind: type[Record], number: int, real: float) -> None:
        """Reals lose their fraction in whole fields, and their last digits in narrow ones."""
        _, _, ours, theirs = in_compiled_and_plain(
            write_row, lambda: (record_table(kind, 2)[1], number, real)
        )
        assert [ours[name] for name in FIELDS] == [theirs[name] for name in FIELDS]
        assert ours.money == ours.month == int(real)
        assert ours.share == np.float32(real)
        assert (ours.small, ours.ratio) == (number, number)

    def test_a_column_is_an_array(self) -> None:
        ours, theirs, *_ = in_compiled_and_plain(sum_column, lambda: (filled(ByColumns, 70),))
        assert ours == theirs == sum(range(20, 90))
        assert sum_column(filled(ByColumns, (3, 4))[1]) == 24 + 25 + 26 + 27

    def test_constant_tables_are_read(self) -> None:
        for kind in (FixedRows, FixedColumns):
            table = record_table(kind, 3)
            table["ratio"] = [1.0, 2.5, 4.0]
            assert ratio_of(table[1]) == 2.5
            # written between two calls, not while kernels run
            table[1].ratio = 3.5
            assert ratio_of(table[1]) == 3.5
        assert sum_constant_column(table) == 8.5

    @pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
    def test_kernels_that_write_into_constant_tables_or_know_no_field_are_refused(self) -> None:
        for kind in (FixedRows, FixedColumns):
            with pytest.raises(TypingError, match=f"kernels never write into {kind.__name__} records"):
                set_ratio(record_table(kind, 1)[0])
        with pytest.raises(TypingError, match="nothing"):
            no_such_field(record_table(ByColumns, 1)[0])
        set_ratio(record_table(ByColumns, 1)[0])

    def test_records_of_the_engine_are_kept_as_they_say(self) -> None:
        kept = {
            kind: record_table(kind, 1)
            for kind in (Household, Section, District, Nation, Rule, CalendarMonth)
        }
        assert [kind for kind, table in kept.items() if not table.by_rows] == [Household]
        assert [kind for kind, table in kept.items() if table.constant] == [Rule, CalendarMonth]


class TestBits:
    """Fields that share bytes are read and written as if each had its own."""

    def test_are_kept_in_as_few_bytes_as_they_fill(self) -> None:
        table = record_table(ByBits, 64)
        # seven bits in the first byte, where the last pair does not fit
        assert table.width == 8 + 2 + 2
        assert table.nbytes == 64 * 12
        assert table["pair"].dtype == np.int8
        assert table.dtype.names == table[0].dtype.names

    def test_only_columns_have_them(self) -> None:
        class Rows(Record):
            one: Bit

        with pytest.raises(TypeError, match="by columns have fields of bits: one"):
            record_table(Rows, 1)

    def test_an_array_of_them_is_a_copy(self) -> None:
        table = record_table(ByBits, 3)
        table["pair"] = [1, 2, 3]
        with pytest.raises(ValueError, match="read-only"):
            table["pair"][0] = 0
        assert table.pair.tolist() == [1, 2, 3]

    @given(
        writes=st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from(sorted(BITS)), st.integers(0, 3)), max_size=30
        )
    )
    @quick
    def test_writing_one_changes_no_other(self, writes: list[tuple[int, str, int]]) -> None:
        table = record_table(ByBits, 3)
        table["money"], table["month"] = [7, 8, 9], -5
        expected = {name: [0, 0, 0] for name in BITS}
        for place, name, value in writes:
            fits = value % 2 ** BITS[name]
            table[place][name] = value
            expected[name][place] = fits
        assert {name: table[name].tolist() for name in BITS} == expected
        assert (table["money"].tolist(), table["month"].tolist()) == ([7, 8, 9], [-5] * 3)
        for place in range(3):
            found = tuple(expected[name][place] for name in BITS)
            assert read_bits(table, place) == found == tuple(table[place][name] for name in BITS)
        again, chosen = record_table(ByBits, (2, 3)), table.copy()
        again[1] = table
        chosen[[0, 2]] = table[[2, 0]]
        for name in BITS:
            assert again[name].tolist() == [[0, 0, 0], expected[name]]
            assert again[1][name].tolist() == expected[name]
            assert chosen[name].tolist() == [expected[name][i] for i in (2, 1, 0)]
            assert np.asarray(table)[name].tolist() == expected[name]

    @given(
        values=st.tuples(*[st.integers(0, 2**width - 1) for width in BITS.values()]), before=st.integers(0, 1)
    )
    @quick
    def test_kernels_write_what_plain_python_writes(self, values: tuple[int, ...], before: int) -> None:
        def given_table() -> RecordTable:
            table = record_table(ByBits, 70)
            for name in BITS:
                table[name] = before
            return table

        _, _, ours, theirs = in_compiled_and_plain(write_bits, lambda: (given_table(), 2, values))
        assert ours.buffer.tobytes() == theirs.buffer.tobytes()
        assert tuple(ours[2][name] for name in BITS) == values
        for other in (1, 3, 69):
            assert {ours[other][name] for name in BITS} == {before}
        found, expected, ours, theirs = in_compiled_and_plain(add_bits, lambda: (given_table(),))
        assert found == expected == 70 * before * 2
        assert ours.buffer.tobytes() == theirs.buffer.tobytes()

    @pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
    def test_kernels_have_no_array_of_them(self) -> None:
        with pytest.raises(TypingError, match="pair"):
            column_of_bits(record_table(ByBits, 2))

    def test_of_the_engine(self) -> None:
        """Half of what is known of a member is yes or no."""
        members = record_table(Member, (2, codes.MEMBER_SLOTS))
        assert members.width == 8
        assert {name for name, width in members.bits.items() if width == 1} == {
            "sex", "chronic", "enrolled", "married"
        }  # fmt: skip


class Plain(NamedTuple):
    """A bundle whose type numba works out itself."""

    table: Any
    array: Any
    number: Any
    inner: Any


@is_bundle
class Inner(NamedTuple):
    cube: Any
    pair: Any
    strided: Any


@is_bundle
class Outer(NamedTuple):
    reals: Any
    grid: Any
    number: float
    inner: Any
    records: Any
    turned: Any
    empty: Any
    table: Any


@numba.njit
def add_up(bundle, first, second):
    """Read and write arrays of a bundle by index, by slice and by shape."""
    inner = bundle.inner
    bundle.reals[first] += 1
    inner.cube[1, 2, first] = inner.cube.shape[1] * 10 + inner.cube.size
    bundle.grid[1:, second][0] += inner.pair[1]
    inner.strided[second] += inner.strided.size
    bundle.records[second]["b"] += bundle.records.size
    bundle.turned[2, second] -= bundle.turned.shape[0]
    total = inner.cube[0].sum() + inner.cube[1, 1:, 2].sum() + bundle.grid[2].sum() + bundle.turned.sum()
    total += bundle.grid.strides[0] + inner.cube.strides[1] + bundle.reals.itemsize + bundle.empty.size
    return total + bundle.number * bundle.table[second].money + bundle.reals.sum() + inner.strided.sum()


@numba.njit
def all_of(bundle):
    """Hand a bundle on, in a loop and outside."""
    total = 0.0
    for i in range(2):
        total += add_up(bundle, i + 2, i)
    return total + bundle.records[0]["b"] + bundle.empty.shape[1]


@is_bundle
class Known(NamedTuple):
    """The same, known to calls."""

    table: Any
    array: Any
    number: Any
    inner: Any


class TestBundles:
    """The types as which kernels get bundles are those that numba finds part by part."""

    @pytest.mark.parametrize(
        "parts",
        [
            (filled(ByRows, 2), np.zeros(3), 1, (1, 2.0)),
            (filled(ByColumns, 2), np.zeros(3), 1, (1, 2.0)),
            (filled(ByColumns, (2, 3)), np.zeros(3), 1, (1, 2.0)),
            (filled(ByColumns, (2, 3))[0], np.zeros(3), 1, (1, 2.0)),
            (filled(ByColumns, 2)[0], np.zeros(3), 1, (1, 2.0)),
            (filled(ByColumns, 2)[:1], np.zeros(3), 1, (1, 2.0)),
            (record_table(FixedRows, 2), np.zeros(3), 1, (1, 2.0)),
            (record_table(Interview, 2), np.zeros(3), 1, (1, 2.0)),
            (filled(ByRows, 2), np.zeros(3, dtype=np.int8), 1.0, (1, 2)),
            (filled(ByRows, 2), np.zeros((3, 3)), 1, (1, 2, 3)),
            (filled(ByRows, 2), np.zeros((3, 4)).T, 1, (1, 2.0)),
            (filled(ByRows, 2), np.zeros((3, 4))[:, ::2], 1, (1, 2.0)),
            (filled(ByRows, 2), np.broadcast_to(np.zeros(3), (2, 3)), 1, (1, 2.0)),
            (filled(ByRows, 2), np.zeros(3), 2**63, (1, 2.0)),
            (filled(ByRows, 2), np.zeros(3), -(2**62), (True, np.int8(1))),
            (filled(ByRows, 2), np.zeros(3), np.float32(1), ((1,), (2.0, np.zeros(1)))),
        ],
    )
    def test_is_the_type_of_the_same_tuple(self, parts: tuple[Any, ...]) -> None:
        found, expected = numba.typeof(Known(*parts)), numba.typeof(Plain(*parts))
        assert tuple(found) == tuple(expected)
        assert isinstance(found, types.NamedTuple)
        assert (found.instance_class, expected.instance_class) == (Known, Plain)
        # and again, now that it is known
        assert numba.typeof(Known(*parts)) == found

    def test_of_the_engine(self) -> None:
        sections, districts = record_table(Section, 1), record_table(District, 1)
        sections[0] = section()
        whole = state(households(3), record_table(Member, (3, codes.MEMBER_SLOTS)), sections, districts)
        for bundle in (whole, whole.watch, groups(2), work(), fixed()):
            parts = tuple(numba.typeof(part) for part in bundle)
            assert tuple(numba.typeof(bundle)) == parts
            assert numba.typeof(bundle).instance_class is type(bundle)

    def bundle(self) -> Outer:
        """Arrays of one to three dimensions, side by side in memory or not, with records, within another."""
        records = np.array([(1, 2, 0.5), (3, 4, 1.5)], dtype=[("a", "i1"), ("b", "i8"), ("c", "f4")])
        inner = Inner(np.arange(24, dtype=np.int32).reshape(2, 3, 4), (5, 6), np.arange(6.0)[::2])
        return Outer(np.arange(5.0, dtype=np.float32), np.arange(6).reshape(3, 2), 2.5, inner, records,
                     np.arange(6.0).reshape(2, 3).T, np.zeros((0, 3)), filled(ByColumns, 2))  # fmt: skip

    @pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
    def test_kernels_hand_on_all_that_is_in_one(self) -> None:
        def plainly(bundle: Outer) -> float:
            total = sum(add_up.py_func(bundle, i + 2, i) for i in range(2))
            return float(total + bundle.records[0]["b"] + bundle.empty.shape[1])

        ours, theirs = self.bundle(), self.bundle()
        assert all_of(ours) == pytest.approx(plainly(theirs))
        for mine, other in zip((*ours[:2], *ours[3][::2], *ours[4:6]),
                               (*theirs[:2], *theirs[3][::2], *theirs[4:6]), strict=True):  # fmt: skip
            assert np.array_equal(mine, other)

    @pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
    def test_kernels_are_compiled_once_for_tables_of_any_size(self) -> None:
        before = len(same_again.signatures)
        for rows in (1, 5, 100):
            same_again(Known(filled(ByColumns, rows), np.zeros(rows), rows, (rows,)))
        assert len(same_again.signatures) == before + 1
