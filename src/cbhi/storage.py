"""One file of arrays for results, written without pickles; in doubt it is refused when it is read.

The file is an ``.npz``: a zip of plain arrays, one a field of ``cbhi.variables.Arrays``, and one text with
what the arrays belong to. Results of a run and single replicates of an unfinished run have the same form.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cbhi.engine import engine_hash
from cbhi.kernels import codes
from cbhi.kernels.records import Interview, record_table
from cbhi.months import format_month, parse_month
from cbhi.results import Results
from cbhi.scenarios import Event, ParameterSets, Scenario
from cbhi.variables import Arrays

__all__ = [
    "FORMAT_VERSION",
    "hash_of_file",
    "identity",
    "read_arrays",
    "read_json",
    "read_npz",
    "scenario_from_plain",
    "scenario_to_plain",
    "write_arrays",
    "write_npz",
]

FORMAT_VERSION = 1
"""Form of ``arrays.npz``, ``scenario.json`` and ``run.json``; raised when older code could not read them."""

_RECORD = "record"
# R replicates, T months, S months and the moment before them, D districts, P reporting years
_AXES = {
    "flows": "RTD",
    "stocks": "RSD",
    "tallies": "RTD",
    "gauges": "RTD",
    "strata": "RP",
    "interviews": "R",
    "opening_people": "RD",
    "districts": "D",
    "replicates": "R",
}
# the constant of cbhi.kernels.codes that names what stands on the last axis
_MEANINGS = {
    "flows": "FLOWS",
    "stocks": "STOCKS",
    "tallies": "TALLIES",
    "gauges": "GAUGES",
    "strata": "STRATUM_TALLIES",
}
_KINDS = {"gauges": np.dtype(np.float64), "interviews": record_table(Interview, 0).dtype}
# what a damaged zip, a damaged stream or a damaged head of an array can raise
_DAMAGE = (
    ValueError, KeyError, EOFError, OverflowError, MemoryError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def identity(
    scenario: Scenario,
    households: int,
    seed: int,
    survey: int,
    engine: str | None = None,
    population: str = "",
) -> dict[str, Any]:
    """Return what must be equal for replicates to belong to one run.

    Parameters
    ----------
    scenario
        What is run.
    households
        Households simulated at the start.
    seed
        Of the draws.
    survey
        Households interviewed every year, at most all.
    engine
        Hash of the engine that computes or computed it; this one if not given.
    population
        Fingerprint of the population that a user supplied; empty where it is drawn.

    Returns
    -------
    dict
        Plain values: fingerprint of the scenario, span, households, seed, survey, version and
        hash of the engine.
    """
    return {
        "fingerprint": scenario.fingerprint(),
        "start": format_month(scenario.start),
        "end": format_month(scenario.end),
        "households": households,
        "seed": seed,
        "survey": survey,
        "population": population,
        "cbhi": importlib.metadata.version("cbhi"),
        "engine": engine_hash() if engine is None else engine,
    }


def hash_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as ``sha256sum`` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises
    ------
    ValueError
        When the file is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"'{path}' is damaged: not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise ValueError(f"'{path}' is damaged: it holds no JSON object")
    return content


def scenario_to_plain(scenario: Scenario) -> dict[str, Any]:
    """Return everything a scenario holds as plain values for JSON."""
    return {**scenario.as_dict(), "sources": {key: list(entry) for key, entry in scenario.sources.items()}}


def scenario_from_plain(content: Mapping[str, Any]) -> Scenario:
    """Return the scenario that ``scenario_to_plain`` wrote.

    Raises
    ------
    ValueError
        When something is missing or of the wrong kind, or the scenario has problems.
    """
    try:
        sets = content.get("parameter_sets")
        return Scenario(
            name=str(content["name"]),
            start=parse_month(content["start"]),
            end=parse_month(content["end"]),
            values=dict(content["values"]),
            events=tuple(
                Event(parse_month(entry["from"]), dict(entry["changes"]), str(entry["why"]))
                for entry in content["events"]
            ),
            sources={key: (str(source), str(sure)) for key, (source, sure) in content["sources"].items()},
            country=str(content["country"]),
            sets=None if sets is None else ParameterSets.from_dict(sets),
        )
    except KeyError as error:
        raise ValueError(f"{error} is missing") from None
    except (TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


def _columns() -> dict[str, Any]:
    """Return the meaning of each place on the last axis, which another version may have moved."""
    names = {
        field: getattr(codes, name, None) for field, name in _MEANINGS.items() if field in Arrays._fields
    }
    plain: dict[str, Any] = json.loads(json.dumps({field: value for field, value in names.items() if value}))
    return plain


def write_arrays(results: Results, path: Path) -> None:
    """Write the arrays of results, and what they belong to, into one ``.npz``.

    Parameters
    ----------
    results
        What to write.
    path
        File, replaced if it is there; write to a temporary name and rename.

    Raises
    ------
    TypeError
        When an array holds Python objects, which could only be written as a pickle.
    OSError
        When the file cannot be written.
    """
    for name, array in results.arrays._asdict().items():
        if array.dtype.hasobject:
            raise TypeError(f"array '{name}' holds Python objects, which are never written")
    record = {
        "format_version": FORMAT_VERSION,
        **identity(
            results.scenario,
            results.households,
            results.seed,
            results.survey,
            results.engine,
            results.population,
        ),
        "weight": results.weight,
        "periods": [list(period) for period in results.periods],
        "year_ends": list(results.year_ends),
        "columns": _columns(),
    }
    with path.open("wb") as file:
        arrays: dict[str, Any] = {_RECORD: np.array(json.dumps(record)), **results.arrays._asdict()}
        write_npz(file, arrays)


def write_npz(file: IO[bytes], arrays: Mapping[str, Any]) -> None:
    """Write arrays, by name, as an ``.npz`` that is compressed quickly rather than well.

    ``numpy.savez_compressed`` knows one level, which takes two and a half times as long as this one for a
    file that is a twentieth smaller. Lower levels are no faster where it counts, and one damaged bit in
    twenty would lead to the same contents.

    Parameters
    ----------
    file
        Open for writing.
    arrays
        Arrays without Python objects.

    Raises
    ------
    ValueError
        When an array holds Python objects.
    OSError
        When the file cannot be written.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as zipped:
        for name, array in arrays.items():
            with zipped.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, np.asanyarray(array), allow_pickle=False)


def read_arrays(path: Path, scenario: Scenario) -> tuple[Results, dict[str, Any]]:
    """Read what ``write_arrays`` wrote.

    Parameters
    ----------
    path
        The file.
    scenario
        The scenario that the arrays must belong to.

    Returns
    -------
    Results
        Equal to what was written, bit for bit.
    dict
        Its identity, as ``identity`` gave it where it was written.

    Raises
    ------
    ValueError
        When the file is damaged, holds pickles, belongs to another scenario, or was written by a version
        whose arrays are laid out otherwise. Nothing in it is ever executed.
    OSError
        When it cannot be read.
    """
    found = read_npz(path)
    try:
        record = json.loads(str(found.pop(_RECORD)))
        version = record["format_version"]
    except (KeyError, ValueError, TypeError):
        raise ValueError(f"'{path}' is damaged: it does not say what its arrays belong to") from None
    if version != FORMAT_VERSION:
        raise ValueError(f"'{path}' has format {version!r}; this cbhi reads {FORMAT_VERSION}")
    _require_same_layout(path, record, found)
    if record.get("fingerprint") != scenario.fingerprint():
        raise ValueError(
            f"'{path}' belongs to another scenario: its fingerprint is {record.get('fingerprint')},"
            f" not {scenario.fingerprint()}"
        )
    try:
        results = Results(
            scenario=scenario,
            arrays=Arrays(**found),
            periods=tuple((str(label), int(begin), int(end)) for label, begin, end in record["periods"]),
            year_ends=tuple(int(t) for t in record["year_ends"]),
            weight=float(record["weight"]),
            households=int(record["households"]),
            seed=int(record["seed"]),
            survey=int(record["survey"]),
            engine=str(record["engine"]),
            population=str(record.get("population", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"'{path}' is damaged: its record is not complete ({error})") from None
    _require_shapes(path, results)
    for array in results.arrays:
        array.flags.writeable = False
    ours = identity(scenario, results.households, results.seed, results.survey)
    return results, {key: record.get(key, "" if key == "population" else None) for key in ours}


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz``, by name; nothing in it is ever executed.

    Raises
    ------
    ValueError
        When the file is damaged or holds pickles.
    OSError
        When it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as file:
            broken = file.testzip()
        if broken is not None:
            raise ValueError(f"the checksum of '{broken}' is wrong")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in arrays.files}
    except _DAMAGE as error:
        if "allow_pickle" in str(error) or "pickled" in str(error):
            raise ValueError(
                f"'{path}' holds pickled Python objects, which are never read: they could run any code;"
                " cbhi writes none, so the file comes from elsewhere"
            ) from None
        raise ValueError(f"'{path}' is damaged: {str(error) or type(error).__name__}") from None


def _require_same_layout(path: Path, record: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Refuse arrays of a version that keeps other arrays, or counts other things in their places."""
    other = ""
    if set(found) != set(Arrays._fields):
        other = "it holds the arrays " + ", ".join(sorted(found))
    columns = record.get("columns")
    for name, ours in _columns().items():
        theirs = columns.get(name) if isinstance(columns, dict) else None
        if not other and theirs != ours:
            other = f"the columns of '{name}' are others"
    if other:
        raise ValueError(
            f"'{path}' was written by another version (cbhi {record.get('cbhi')}, engine"
            f" {record.get('engine')}): {other}; its tables can still be read, or run it again"
        )


def _require_shapes(path: Path, results: Results) -> None:
    """Refuse arrays whose shapes do not fit each other or the scenario."""
    arrays = results.arrays
    n_months = results.scenario.n_months
    sizes = {
        "R": arrays.replicates.size,
        "T": n_months,
        "S": n_months + 1,
        "D": arrays.districts.size,
        "P": len(results.periods),
    }
    columns = _columns()
    for name, array in arrays._asdict().items():
        wanted = tuple(sizes[axis] for axis in _AXES[name])
        if name in columns:
            fits = array.shape[: len(wanted)] == wanted and array.shape[-1:] == (len(columns[name]),)
        else:
            fits = array.shape[: len(wanted)] == wanted
        if not fits:
            raise ValueError(
                f"'{path}' is damaged: array '{name}' has shape {array.shape}, which does not begin with"
                f" {wanted}" + (f" and end with {len(columns[name])}" if name in columns else "")
            )
        kind = _KINDS.get(name, np.dtype(np.int64))
        if array.dtype != kind:
            what = "other columns" if kind.names else f"{array.dtype}, not {kind}"
            raise ValueError(f"'{path}' is damaged: array '{name}' holds {what}")
    numbers = arrays.replicates
    if numbers.size == 0 or numbers.min() < 0 or np.any(np.diff(numbers) <= 0):
        raise ValueError(f"'{path}' is damaged: its replicates are not numbered in order")
    covered = [t for _, begin, end in results.periods for t in range(begin, end)]
    if covered != list(range(n_months)):
        raise ValueError(f"'{path}' is damaged: its reporting years do not cover the run's {n_months} months")
