"""Tables in the forms that other programs read: CSV, Parquet, a workbook, Stata."""

from __future__ import annotations

import datetime
import importlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.words import suggest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "SHEET_ROWS", "check_formats", "write_table", "write_workbook"]

FORMATS: dict[str, str | None] = {"csv": None, "parquet": "pyarrow", "xlsx": "openpyxl", "dta": None}
"""Each format of ``--format`` and the package that writes it, beside pandas."""

SHEET_ROWS = 1_048_575
"""Rows that a sheet of a workbook holds below its head."""

# Stata's limits: bytes of a text that is not long, whole numbers of 4 bytes, letters of a label
_STATA_TEXT, _STATA_LOW, _STATA_HIGH, _STATA_LABEL = 2045, -2_147_483_647, 2_147_483_620, 80
# a file says when it was written; ours say the same each time, so that equal results are equal files
_NO_TIME = datetime.datetime(1960, 1, 1)


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """Return the formats asked for, CSV first, each once.

    Parameters
    ----------
    formats
        Names from ``FORMATS``.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        For an unknown name, with the nearest one.
    ModuleNotFoundError
        When the package that writes a format is not installed.
    """
    if isinstance(formats, str):
        formats = (formats,)
    wanted = dict.fromkeys(("csv", *formats))
    for name in wanted:
        if name not in FORMATS:
            raise ValueError(
                f"unknown format '{name}'{suggest(str(name), FORMATS)}; known: {', '.join(FORMATS)}"
            )
    for name in wanted:
        package = FORMATS[name]
        if package is not None:
            importlib.import_module(package)
    return tuple(wanted)


def write_table(
    frame: pd.DataFrame, path: Path, labels: Mapping[str, str] | None = None, title: str = ""
) -> None:
    """Write a table in the form that the ending of the path names.

    Parameters
    ----------
    frame
        Columns of numbers, truth values or text.
    path
        File that ends in ``.csv``, ``.parquet`` or ``.dta``.
    labels
        What each column holds, for Stata.
    title
        What the table holds, for Stata.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, lineterminator="\n")
    elif path.suffix == ".parquet":
        frame.to_parquet(path, engine="pyarrow", index=False)
    else:
        _write_stata(frame, path, labels or {}, title)


def _write_stata(frame: pd.DataFrame, path: Path, labels: Mapping[str, str], title: str) -> None:
    """Write a .dta of form 118, which Stata 14 and later read: UTF-8, names up to 32 letters."""
    import pandas as pd

    columns: dict[str, Any] = {}
    long_texts = []
    for name, column in frame.items():
        key = str(name)
        if len(key) > 32:
            raise ValueError(f"column '{key}' has {len(key)} letters; a name in Stata has at most 32")
        columns[key] = values = _for_stata(column)
        if values.dtype == object and any(len(text.encode()) > _STATA_TEXT for text in values):
            long_texts.append(key)
    pd.DataFrame(columns).to_stata(
        path,
        write_index=False,
        version=118,
        time_stamp=_NO_TIME,
        data_label=title[:_STATA_LABEL],
        variable_labels={key: labels.get(key, key)[:_STATA_LABEL] for key in columns},
        convert_strl=long_texts,
    )


def _for_stata(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as one of the kinds that Stata knows: long, double, text."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series([_text(value) for value in column], dtype=object)
    fits = column.empty or (column.min() >= _STATA_LOW and column.max() <= _STATA_HIGH)
    if not pd.api.types.is_float_dtype(column.dtype) and fits and not column.isna().any():
        return column.astype("int32")
    # a truth value or a whole number that is missing stays missing
    return pd.Series(column.astype("Float64").to_numpy(dtype=float, na_value=math.nan))


def _text(value: Any) -> str:
    import pandas as pd

    return "" if value is None or value is pd.NA or value != value else str(value)


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as the sheets of an Excel workbook.

    Parameters
    ----------
    sheets
        Name of each sheet and its table. Text stays text, also where it looks like a number or a formula.
    path
        File that ends in ``.xlsx``.

    Raises
    ------
    ValueError
        When a table has more rows than a sheet holds.
    ModuleNotFoundError
        When openpyxl is not installed.
    OSError
        When the file cannot be written.
    """
    from openpyxl import Workbook

    for name, frame in sheets.items():
        if len(frame) > SHEET_ROWS:
            raise ValueError(
                f"sheet {name} would have {len(frame):,} rows, and a workbook holds {SHEET_ROWS:,};"
                " use another format"
            )
    book = Workbook(write_only=True)
    for name, frame in sheets.items():
        _fill(book.create_sheet(name), frame)
    book.properties.creator = "cbhi"
    book.save(path)


def _fill(sheet: Any, frame: pd.DataFrame) -> None:
    """Write one table into an empty sheet, its head bold and in sight."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    def cell(value: Any, bold: bool = False) -> Any:
        if isinstance(value, str):
            value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)
            if bold or value.startswith("="):
                made = WriteOnlyCell(sheet, value)
                made.data_type = "s"  # a text that begins with = would be read as a formula
                if bold:
                    made.font = Font(bold=True)
                return made
        elif isinstance(value, float):
            if not math.isfinite(value):
                return str(value)  # a sheet knows no infinity
            if float(f"{value:.16g}") != value:
                made = WriteOnlyCell(sheet, repr(value))
                made.data_type = "n"  # openpyxl itself writes 16 digits, too few for some numbers
                return made
        return value

    columns = []
    for place, name in enumerate(frame.columns, start=1):
        column = frame[name].astype(object)
        values = column.where(column.notna(), None).tolist()
        columns.append(values)
        widest = max((len(str(value)) for value in (name, *values[:200])), default=0)
        sheet.column_dimensions[get_column_letter(place)].width = min(60, widest + 2)
    sheet.freeze_panes = "A2"
    sheet.append([cell(str(name), bold=True) for name in frame.columns])
    for row in zip(*columns, strict=True):
        sheet.append([cell(value) for value in row])
