"""Households, members and bills that a user supplies instead of those that are drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels.codes import FIRST_FOUNDED, MEMBER_SLOTS
from cbhi.words import suggest

if TYPE_CHECKING:
    pass

__all__ = ["BILL_COLUMNS", "HOUSEHOLD_COLUMNS", "MEMBER_COLUMNS", "Column", "Population", "bills_cv2"]

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
AnyArray = NDArray[Any]


class Column(NamedTuple):
    """One column of a supplied table."""

    low: float
    high: float
    unit: str
    title: str
    whole: bool = False


_SECTION = Column(1, 1_000_000, "number", "section of the country, counted from 1", True)
_HOUSEHOLD = Column(0, FIRST_FOUNDED - 1, "number", "number of the household within its section", True)
HOUSEHOLD_COLUMNS: dict[str, Column] = {
    "section": _SECTION,
    "household": _HOUSEHOLD,
    "persons": Column(1, MEMBER_SLOTS, "persons", "members", True),
    "consumption_rwf": Column(1, 1e9, "RWF", "yearly consumption per adult equivalent at the start"),
    "position": Column(-8, 8, "sd", "standard normal position in log consumption at the start"),
    "distance_km": Column(0, 1_000, "km", "distance to the health centre"),
    "need": Column(0, 1_000, "ratio", "need of all members relative to others of their age"),
    "taste": Column(-1_000, 1_000, "logits", "persistent taste for cover"),
    "trust_offset": Column(-1, 1, "0 to 1", "trust relative to the section's"),
    "cash_rwf": Column(0, 1e12, "RWF", "cash at the start", True),
    "association": Column(0, 30_000, "number", "association within the section, from 1; 0 for none", True),
    "formal": Column(0, 1, "0 or 1", "covered by a formal-sector insurer", True),
}
"""Columns of the table of households; each may be left out and is then drawn."""

MEMBER_COLUMNS: dict[str, Column] = {
    "section": _SECTION,
    "household": _HOUSEHOLD,
    "age_years": Column(0, 120, "years", "age at the start"),
    "female": Column(0, 1, "0 or 1", "sex", True),
    "married": Column(0, 1, "0 or 1", "ever married", True),
    "chronic": Column(0, 1, "0 or 1", "chronically ill", True),
    "need": Column(0, 1_000, "ratio", "need relative to others of that age, sex and illness"),
}
"""Columns of the table of members, one row each; all but ``section`` and ``household`` may be left out."""

BILL_COLUMNS: dict[str, Column] = {
    "size": Column(0, 1e6, "ratio", "bill relative to the mean bill"),
    "probability": Column(0, 1, "share", "share of bills of that size"),
}
"""Columns of the table of bills, both needed."""

_FILES = {"households": "households.csv", "members": "members.csv", "bills": "bills.csv"}
# how far probabilities and their mean may be from 1, as tables written with few digits are
_ROUNDING = 1e-6

TableLike = "Mapping[str, Any] | pd.DataFrame"


class Population:
    """Who lives in the country at the start, and how bills vary, as supplied by the user.

    Whatever a table leaves out is drawn as in any run, by the household's number. Households are kept by
    section and number, so that the order of the rows of a table decides nothing.

    Parameters
    ----------
    households
        One row a household: a DataFrame, or a mapping of column to values. Columns are those of
        ``HOUSEHOLD_COLUMNS``; ``section`` is 1 and ``household`` counts up where they are left out.
    members
        One row a member, in the order of their slots, heads first; columns ``MEMBER_COLUMNS``. Every
        household needs at least one, and none has more than 12. Without it members are drawn, ``persons`` of
        them where that column is given.
    bills
        Sizes of bills relative to their mean, with probabilities; columns ``BILL_COLUMNS``. Probabilities
        sum to 1 and the mean size is 1: the mean in francs comes from the scenario. Without it bills are
        lognormal.

    Raises
    ------
    ValueError
        With one line a problem: an unknown or missing column, values that are no numbers, out of range, of
        unequal length; a household twice; a member of no household; a household without members or with
        too many.

    Examples
    --------
    >>> import cbhi
    >>> people = cbhi.Population({"persons": [1, 4, 5], "taste": [0.0, 1.5, -2.0]})
    >>> people.n_households, people.n_persons
    (3, 10)
    """

    def __init__(self, households: Any, members: Any = None, bills: Any = None) -> None:
        problems: list[str] = []
        self._households = _read_table("households", households, HOUSEHOLD_COLUMNS, (), problems)
        self._members = (
            None
            if members is None
            else _read_table("members", members, MEMBER_COLUMNS, ("section", "household"), problems)
        )
        self._bills = (
            None
            if bills is None
            else _read_table("bills", bills, BILL_COLUMNS, ("size", "probability"), problems)
        )
        if not problems:
            _number_households(self._households)
            problems += _household_problems(self._households)
            if self._members is not None:
                problems += _member_problems(self._households, self._members)
            if self._bills is not None:
                problems += _bill_problems(self._bills)
        if problems:
            raise ValueError("\n".join(problems))
        for table in (self._households, self._members or {}, self._bills or {}):
            for values in table.values():
                values.flags.writeable = False

    @classmethod
    def read(cls, folder: str | Path) -> Population:
        """Read ``households.csv`` and, where they are there, ``members.csv`` and ``bills.csv``.

        Parameters
        ----------
        folder
            Folder with the files, comma-separated with a head line.

        Returns
        -------
        Population
            The tables in them.

        Raises
        ------
        ValueError
            When there is no ``households.csv``, a file is no table, or its content has problems.
        OSError
            When a file cannot be read.
        """
        import pandas as pd

        folder = Path(folder)
        tables: dict[str, Any] = {}
        for name, file in _FILES.items():
            path = folder / file
            if not path.is_file():
                continue
            try:
                tables[name] = pd.read_csv(path)
            except (ValueError, pd.errors.ParserError) as error:
                why = str(error).strip().removeprefix("Error tokenizing data. C error: ")
                raise ValueError(f"'{path}' is not a comma-separated table: {why}") from None
            if len(tables[name].columns) == 1 and ";" in str(tables[name].columns[0]):
                raise ValueError(f"'{path}' separates its columns by semicolons; separate them by commas")
        if "households" not in tables:
            raise ValueError(f"there is no '{folder / _FILES['households']}', the table of households")
        return cls(**tables)

    @property
    def households(self) -> Mapping[str, AnyArray]:
        """Column to values, one a household, ``section`` and ``household`` always among them."""
        return self._households

    @property
    def members(self) -> Mapping[str, AnyArray] | None:
        """Column to values, one a member, or None where members are drawn."""
        return self._members

    @property
    def bills(self) -> tuple[F8, F8]:
        """Sizes relative to the mean and their probabilities; both empty where bills are lognormal."""
        if self._bills is None:
            return np.empty(0), np.empty(0)
        return self._bills["size"], self._bills["probability"]

    @property
    def n_households(self) -> int:
        """Number of households."""
        return int(self._households["section"].size)

    @property
    def n_persons(self) -> int | None:
        """Number of members, or None where it is drawn."""
        if self._members is not None:
            return int(self._members["section"].size)
        return int(self._households["persons"].sum()) if "persons" in self._households else None

    @property
    def sizes(self) -> I8 | None:
        """Members of each household, in the order of the table, or None where they are drawn."""
        if self._members is None:
            return self._households.get("persons")
        rows = match_households(self._households, self._members)
        return np.bincount(rows, minlength=self.n_households).astype(np.int64)

    def fingerprint(self) -> str:
        """Return a hash of all that is supplied, 16 letters; equal tables have equal ones."""
        digest = hashlib.sha256()
        for name, values in self._arrays():
            digest.update(f"{name} {values.dtype.str} {values.size} ".encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:16]

    def _arrays(self) -> Iterator[tuple[str, AnyArray]]:
        tables = {"households": self._households, "members": self._members, "bills": self._bills}
        for kind, table in tables.items():
            for name in sorted(table or {}):
                yield f"{kind}.{name}", (table or {})[name]

    def __repr__(self) -> str:
        """Return one line: how many households, what is supplied."""
        persons = "members drawn" if self.n_persons is None else f"{self.n_persons:,} persons"
        return f"<Population of {self.n_households:,} households, {persons}>"


def bills_cv2(sizes: F8, chances: F8) -> float:
    """Return the squared coefficient of variation of supplied bills."""
    mean = float(sizes @ chances)
    return float((sizes - mean) ** 2 @ chances) / mean**2


def match_households(households: Mapping[str, AnyArray], members: Mapping[str, AnyArray]) -> I8:
    """Return the row of the household of each member, or -1 for none."""
    keys = households["section"] * FIRST_FOUNDED + households["household"]
    wanted = members["section"] * FIRST_FOUNDED + members["household"]
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys[order], wanted), keys.size - 1)
    rows = order[place]
    return np.where(keys[rows] == wanted, rows, -1).astype(np.int64)


def _read_table(
    kind: str, table: Any, columns: Mapping[str, Column], needed: tuple[str, ...], problems: list[str]
) -> dict[str, AnyArray]:
    """Return the columns of a table as arrays; add what is wrong with it to ``problems``."""
    if not isinstance(table, Mapping) and type(table).__name__ != "DataFrame":
        got = type(table).__name__
        problems.append(f"{kind}: a DataFrame or a mapping of column to values is wanted, got {got}")
        return {}
    given = {str(name): table[name] for name in table}
    read: dict[str, AnyArray] = {}
    for name, values in given.items():
        if name not in columns:
            problems.append(f"{kind}: unknown column '{name}'{suggest(name, columns)}")
            continue
        array = _read_column(f"{kind}: column '{name}'", values, columns[name], problems)
        if array is not None:
            read[name] = array
    problems += [f"{kind}: column '{name}' is missing" for name in needed if name not in given]
    lengths = {values.size for values in read.values()}
    if len(lengths) > 1:
        each = ", ".join(f"'{name}' {values.size}" for name, values in read.items())
        problems.append(f"{kind}: columns differ in length: {each}")
    elif not given or lengths == {0}:
        problems.append(f"{kind}: the table is empty; at least one row is needed")
    return read


def _read_column(where: str, values: Any, column: Column, problems: list[str]) -> AnyArray | None:
    """Return one column as an array, or None with a line in ``problems``."""
    wanted = f"{column.title}, {_range_of(column)}"
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        place, text = _first_text(values)
        problems.append(f"{where}{place} holds what is no number{text}; it is: {wanted}")
        return None
    if array.ndim != 1:
        problems.append(f"{where} has {array.ndim} dimensions; one value a row is wanted")
        return None
    wrong = ~((array >= column.low) & (array <= column.high))
    if column.whole:
        wrong |= array != np.floor(array)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        more = f" and {int(wrong.sum()) - 1:,} more rows" if wrong.sum() > 1 else ""
        whole = "whole numbers, " if column.whole else ""
        problems.append(f"{where}, row {row + 1}{more}: {array[row]:g}; it is: {whole}{wanted}")
        return None
    return array.astype(np.int64) if column.whole else array


def _range_of(column: Column) -> str:
    """Return the range of a column with its unit, as a person writes it."""
    if column.unit == "0 or 1":
        return column.unit
    unit = "" if column.unit in ("number", "ratio", "share", "0 to 1") else f" {column.unit}"
    return f"{column.low:,.10g} to {column.high:,.10g}{unit}"


def _first_text(values: Any) -> tuple[str, str]:
    """Return where the first value stands that is no number, and the value, as text for a message."""
    for row, value in enumerate(values if np.iterable(values) else ()):
        try:
            float(value)
        except (TypeError, ValueError):
            return f", row {row + 1},", f": {value!r}"
    return "", ""


def _number_households(table: dict[str, AnyArray]) -> None:
    """Fill in the section (1) and the number within it (counted up) where they are left out."""
    rows = next(iter(table.values())).size
    if "section" not in table:
        table["section"] = np.ones(rows, dtype=np.int64)
    if "household" not in table:
        section = table["section"]
        order = np.argsort(section, kind="stable")
        first = np.searchsorted(section[order], section[order])
        number = np.empty(rows, dtype=np.int64)
        number[order] = np.arange(rows) - first
        table["household"] = number


def _household_problems(table: Mapping[str, AnyArray]) -> list[str]:
    problems = []
    keys = table["section"] * FIRST_FOUNDED + table["household"]
    kept, counts = np.unique(keys, return_counts=True)
    if (counts > 1).any():
        section, number = divmod(int(kept[counts > 1][0]), FIRST_FOUNDED)
        problems.append(
            f"households: number {number} of section {section} stands in {int(counts.max())} rows;"
            " a number may be used once in a section"
        )
    if "consumption_rwf" in table and "position" in table:
        problems.append("households: 'consumption_rwf' and 'position' say the same; give one of them")
    return problems


def _member_problems(households: Mapping[str, AnyArray], members: Mapping[str, AnyArray]) -> list[str]:
    if "persons" in households:
        return ["households: 'persons' is counted from the table of members; leave it out"]
    rows = match_households(households, members)
    if (rows < 0).any():
        row = int(np.flatnonzero(rows < 0)[0])
        return [
            f"members, row {row + 1}: there is no household {int(members['household'][row])}"
            f" in section {int(members['section'][row])}"
        ]
    counts = np.bincount(rows, minlength=households["section"].size)
    wrong = np.flatnonzero((counts < 1) | (counts > MEMBER_SLOTS))
    if wrong.size:
        h = int(wrong[0])
        return [
            f"members: household {int(households['household'][h])} of section"
            f" {int(households['section'][h])} has {int(counts[h])} members; 1 to {MEMBER_SLOTS} are possible"
        ]
    return []


def _bill_problems(table: Mapping[str, AnyArray]) -> list[str]:
    total = float(table["probability"].sum())
    mean = float(table["size"] @ table["probability"])
    problems = []
    if abs(total - 1.0) > _ROUNDING:
        problems.append(f"bills: probabilities sum to {total:g}; they must sum to 1")
    elif abs(mean - 1.0) > _ROUNDING:
        problems.append(
            f"bills: the mean size is {mean:g}; sizes are relative to the mean, so divide them by {mean:g}"
            " (the mean in francs is care.cost_outpatient_rwf of the scenario)"
        )
    return problems
