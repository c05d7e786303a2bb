"""Read the packaged tables of published figures and assumptions.

The tables live beside this module in ``data/<country>/``, described by ``data/datapackage.json`` (a
Frictionless data package: types, allowed values, meanings, licence, sources). Every row carries its unit,
its source and how far it can be trusted:

``use``
    ``fit`` may enter a calibration objective; ``check`` may be plotted and scored, never fitted.
``confidence``
    ``published`` was read in the source named; ``recalled`` has no source and is a weak figure;
    ``derived`` and ``assumption`` occur among the assumptions only.
``year``
    The calendar year in which the published ``period`` closes: 2011/12 gives 2012, 1999-2003 gives 2003.
    Missing where the source is undated.
``key``
    The stable name of one row, such as ``"cbhi_coverage_pop:2003:1"``.
"""

from __future__ import annotations

import csv
import difflib
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_rows", "data_dir", "fit_rows", "load_table", "series", "table_names"]

_CONFIDENCES = ("published", "recalled", "derived", "assumption")
_TYPES: dict[str, tuple[Callable[[str], object], Literal["string", "Int64", "float64"]]] = {
    "string": (str, "string"),
    "integer": (int, "Int64"),
    "number": (float, "float64"),
}


def data_dir() -> Path:
    """Return the folder that holds ``datapackage.json`` and one folder per country.

    Returns
    -------
    pathlib.Path
        Absolute path inside the installed package.
    """
    return Path(__file__).resolve().parent / "data"


def table_names(country: str) -> tuple[str, ...]:
    """List the tables of a country, outcomes first and assumptions last.

    Parameters
    ----------
    country : str
        Folder name of the country, such as ``"rwanda"``.

    Returns
    -------
    tuple of str
        Names that `load_table` accepts.

    Raises
    ------
    ValueError
        If there are no data for the country; the message suggests the nearest name and lists all.
    """
    return tuple(_tables(country))


def load_table(country: str, name: str) -> pd.DataFrame:
    """Read one table with the column types its schema declares.

    Parameters
    ----------
    country : str
        Folder name of the country, such as ``"rwanda"``.
    name : str
        One of `table_names`, such as ``"coverage"``.

    Returns
    -------
    pandas.DataFrame
        One row per figure, in the order of the file, with a plain index; the caller may change it freely.
        Text is ``string``, years are ``Int64`` and figures are ``float64``; what is not given is missing.
        ``value``, ``low``, ``high`` and ``sd`` are in the unit that ``unit`` names in the same row.

    Raises
    ------
    ValueError
        If the country or the table is unknown; the message suggests the nearest name and lists all.

    Examples
    --------
    >>> load_table("rwanda", "coverage").set_index("key").loc["cbhi_coverage_pop:2003:1", "value"]
    np.float64(7.0)
    """
    import pandas as pd

    resource = _pick(name, _tables(country), f"table of {country}")
    missing = resource["schema"]["missingValues"]
    with (data_dir() / resource["path"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {}
    for field in resource["schema"]["fields"]:
        convert, dtype = _TYPES[field["type"]]
        texts = [row[field["name"]] for row in rows]
        columns[field["name"]] = pd.Series(
            [None if text in missing else convert(text) for text in texts], dtype=dtype
        )
    return pd.DataFrame(columns)


def fit_rows(country: str) -> pd.DataFrame:
    """Collect the outcomes that may enter a calibration objective.

    Parameters
    ----------
    country : str
        Folder name of the country, such as ``"rwanda"``.

    Returns
    -------
    pandas.DataFrame
        The rows of all outcome tables with ``use == "fit"``, columns as in `load_table` plus ``table``.
        Each has ``sd``, the error to assume for the published figure itself in the unit of ``value``, and
        no two share a variable and year. Some are only ``recalled``: show them as such.

    Raises
    ------
    ValueError
        If the country is unknown, a row has no positive ``sd``, or two rows share a variable and year.
    """
    rows = _outcomes(country, "fit")
    unusable = ~(rows["sd"] > 0) | rows.duplicated(["variable", "year"], keep=False)
    if unusable.any():
        raise ValueError(
            f"{country}: a fit row needs an sd above 0 and no rival fit row of its variable and year; "
            f"look at {', '.join(rows.loc[unusable, 'key'])}"
        )
    return rows


def check_rows(country: str) -> pd.DataFrame:
    """Collect the outcomes that may be plotted and scored but never fitted.

    Parameters
    ----------
    country : str
        Folder name of the country, such as ``"rwanda"``.

    Returns
    -------
    pandas.DataFrame
        The rows of all outcome tables with ``use == "check"``, columns as in `load_table` plus ``table``.
        Several rows of one variable and year are rival figures; ``sd`` may be missing.

    Raises
    ------
    ValueError
        If the country is unknown.
    """
    return _outcomes(country, "check")


def series(
    country: str, variable: str, confidence: str | None = None, *, source: str | None = None
) -> dict[int, float]:
    """Return the yearly values of one variable.

    Meant for inputs and assumptions. Outcomes can be read too, but `fit_rows` and `check_rows` keep their
    errors and say which may be fitted.

    Parameters
    ----------
    country : str
        Folder name of the country, such as ``"rwanda"``.
    variable : str
        Name in the ``variable`` column of some table, such as ``"population"`` or ``"schemes_open"``.
    confidence : {"published", "recalled", "derived", "assumption"}, optional
        Keep only rows of this confidence.
    source : str, optional
        Keep only rows whose source (for assumptions, whose reason) contains this text, in any case.

    Returns
    -------
    dict of int to float
        Year in which the period closes -> value in the unit of the rows, in order of year. A span such as
        1999-2012 appears once, under its last year. Undated rows are left out.

    Raises
    ------
    ValueError
        If the country, variable or confidence is unknown; if no dated row is left; if the rows left are
        in different units; or if two of them share a year (rival figures, even equal ones): the message
        gives the rivals with key, value and source, one of which `source` or `confidence` can single out.

    Examples
    --------
    >>> series("rwanda", "nurses_midwives")
    {2005: 4989.0, 2008: 7088.0, 2010: 8202.0}
    """
    if confidence is not None:
        _pick(confidence, dict.fromkeys(_CONFIDENCES), "confidence")
    tables = {
        name: table
        for table, resource in _tables(country).items()
        for name in _field(resource, "variable")["constraints"]["enum"]
    }
    table = _pick(variable, tables, f"variable of {country}")
    rows = load_table(country, table)
    note = "source" if "source" in rows else "why"
    rows = rows[rows["variable"] == variable]
    if confidence is not None:
        rows = rows[rows["confidence"] == confidence]
    if source is not None:
        rows = rows[rows[note].str.contains(source, case=False, regex=False, na=False)]
    dated = rows[rows["year"].notna()].sort_values("year", kind="stable")
    asked = f"{country} {variable!r}" + "".join(
        f", {label} {text!r}"
        for label, text in (("confidence", confidence), (note, source))
        if text is not None
    )
    if dated.empty:
        reason = "only undated rows" if len(rows) else "no row"
        raise ValueError(f"{asked}: {reason}; see load_table({country!r}, {table!r})")
    if len(set(dated["unit"].map(_bare_unit))) > 1:
        units = "; ".join(f"{key} in {unit}" for key, unit in zip(dated["key"], dated["unit"], strict=True))
        raise ValueError(f"{asked}: the rows are in different units ({units}); choose with source=")
    rivals = dated[dated.duplicated("year", keep=False)]
    if len(rivals):
        listed = "; ".join(
            f"{row['key']} = {row['value']:g} ({row['confidence']}, {row[note]})"
            for _, row in rivals.iterrows()
        )
        raise ValueError(
            f"{asked}: rival rows for the same year: {listed}; choose with source= or confidence="
        )
    return {int(year): float(value) for year, value in zip(dated["year"], dated["value"], strict=True)}


def _outcomes(country: str, use: str) -> pd.DataFrame:
    """Stack the rows of the outcome tables (those with a ``use`` column) that have one use."""
    import pandas as pd

    frames = []
    for name, resource in _tables(country).items():
        if any(field["name"] == "use" for field in resource["schema"]["fields"]):
            frame = load_table(country, name)
            frame.insert(1, "table", pd.Series(name, index=frame.index, dtype="string"))
            frames.append(frame[frame["use"] == use])
    return pd.concat(frames, ignore_index=True)


def _tables(country: str) -> dict[str, Any]:
    """Map table name to resource descriptor for one country, in the order of the data package."""
    countries: dict[str, dict[str, Any]] = {}
    for resource in _descriptor()["resources"]:
        folder, file = resource["path"].split("/")
        countries.setdefault(folder, {})[file.removesuffix(".csv")] = resource
    tables: dict[str, Any] = _pick(country, countries, "country")
    return tables


@cache
def _descriptor() -> dict[str, Any]:
    """Read ``datapackage.json`` once."""
    descriptor: dict[str, Any] = json.loads((data_dir() / "datapackage.json").read_text(encoding="utf-8"))
    return descriptor


def _field(resource: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the descriptor of one column."""
    field: dict[str, Any] = next(field for field in resource["schema"]["fields"] if field["name"] == name)
    return field


def _pick(name: str, among: dict[str, Any], what: str) -> Any:
    """Look a name up, or raise with the nearest name and all of them."""
    if name in among:
        return among[name]
    near = difflib.get_close_matches(name.strip().lower(), [key.lower() for key in among], n=1, cutoff=0.5)
    hint = "".join(f"; did you mean {key!r}?" for key in among if near == [key.lower()])
    raise ValueError(f"unknown {what} {name!r}{hint or ';'} known: {', '.join(among)}")


def _bare_unit(unit: str) -> str:
    """Strip what qualifies a figure (in brackets or after a comma) from its unit."""
    return re.split(r" \(|, ", unit, maxsplit=1)[0]
