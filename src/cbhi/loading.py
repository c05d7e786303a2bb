"""Read a folder of results back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cbhi.placing import is_unsettled, reading
from cbhi.results import Results
from cbhi.scenarios import Scenario
from cbhi.storage import FORMAT_VERSION, hash_of_file, read_arrays, read_json, scenario_from_plain

__all__ = ["load", "load_with_identity"]

_NEEDED = ("scenario.json", "arrays.npz")


def load(directory: str | Path) -> Results:
    """Read the results that ``Results.save`` or ``cbhi run`` wrote to a folder.

    Parameters
    ----------
    directory
        The folder, such as ``"out/rwanda"``.

    Returns
    -------
    Results
        Equal to what was saved: scenario, sources and all arrays, bit for bit.

    Raises
    ------
    ValueError
        When the folder holds no results, or they were written by a newer or another program, or a file of
        them was damaged or changed since (its SHA-256 is not the one in ``run.json``), or scenario and arrays
        do not belong together. Nothing is unpickled.
    OSError
        When a file cannot be read.

    Examples
    --------
    >>> results = cbhi.load("out/rwanda")
    >>> results.to_frame("coverage_end_share", every="year")
    """
    return load_with_identity(directory)[0]


def load_with_identity(directory: str | Path) -> tuple[Results, dict[str, Any]]:
    """Return the results of a folder, and what they must share with replicates that are added to them."""
    if not isinstance(directory, (str, Path)):
        raise ValueError(f"the folder of the results is wanted, got {directory!r}")
    folder = Path(directory)
    try:
        with reading(folder):
            return _read(folder)
    except PermissionError as error:
        if not is_unsettled(folder):
            raise
        raise PermissionError(
            error.errno,
            f"'{folder}' is not complete: a run was killed while its results were put in place, and here they"
            f" cannot be: {error.strerror}",
        ) from error


def _read(folder: Path) -> tuple[Results, dict[str, Any]]:
    record = _read_record(folder)
    for name in _NEEDED:
        _require_unchanged(folder / name, record)
    scenario = _read_scenario(folder / "scenario.json")
    if scenario.fingerprint() != record.get("fingerprint"):
        raise ValueError(
            f"'{folder / 'scenario.json'}' is not the scenario of the run: its fingerprint is"
            f" {scenario.fingerprint()}, and run.json says {record.get('fingerprint')}"
        )
    results, whose = read_arrays(folder / "arrays.npz", scenario)
    for key, value in (("seed", results.seed), ("households", results.households)):
        if record.get(key) != value:
            raise ValueError(
                f"run.json and arrays.npz in '{folder}' are of two runs:"
                f" {key} {record.get(key)!r} and {value}"
            )
    return results, whose


def _read_record(folder: Path) -> dict[str, Any]:
    """Return what run.json says, if it was written by a version that this one understands."""
    if not folder.exists():
        raise ValueError(f"there is no folder '{folder}'")
    if not folder.is_dir():
        raise ValueError(f"'{folder}' is a file; the folder of the results is wanted")
    path = folder / "run.json"
    if not path.is_file():
        why = "there is no run.json"
        if (folder / ".parts").is_dir():
            why = "a run there was not finished; finish it with --resume"
        if is_unsettled(folder):
            why = "they are being put in place, or a run was killed meanwhile; the next run there finishes it"
        raise ValueError(f"'{folder}' holds no results: {why}")
    record = read_json(path)
    version = record.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(
            f"'{path}' has no format_version: the results were written by another program, or by cbhi before"
            " results could be read back; run it again"
        )
    if version > FORMAT_VERSION:
        raise ValueError(
            f"'{folder}' was written by a newer cbhi: format {version}, and this version reads up to"
            f" {FORMAT_VERSION}; pip install --upgrade cbhi"
        )
    return record


def _require_unchanged(path: Path, record: dict[str, Any]) -> None:
    if not path.is_file():
        raise ValueError(f"'{path.parent}' is not complete: there is no {path.name}")
    files = record.get("files")
    noted = files.get(path.name) if isinstance(files, dict) else None
    found = hash_of_file(path)
    if found != noted:
        raise ValueError(
            f"'{path}' is damaged, or was changed after the run: its SHA-256 begins with {found[:12]}, and"
            f" run.json says {str(noted)[:12]}; run it again"
        )


def _read_scenario(path: Path) -> Scenario:
    content = read_json(path)
    try:
        return scenario_from_plain(content)
    except ValueError as error:
        raise ValueError(f"'{path}' cannot be read: {error}") from None
