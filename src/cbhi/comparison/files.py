"""A comparison in a folder: the differences, and each scenario's results in a folder of its own.

Everything is written to a hidden folder inside the target and then moved into place, ``comparison.json``
last: a folder that holds it is complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.loading import load as load_results
from cbhi.placing import STAGED, place_files
from cbhi.results import Results
from cbhi.saving import FILES, OTHER_FILES, save_results
from cbhi.storage import read_json

if TYPE_CHECKING:
    from cbhi.comparison import Comparison

__all__ = [
    "COMPARISON_FILES",
    "RECORD",
    "folder_names",
    "read_comparison",
    "save_comparison",
    "saved_folders",
]

RECORD = "comparison.json"
COMPARISON_FILES = ("differences.csv", "summary.txt", RECORD)
_FORMAT = 1
_PLAIN = re.compile(r"[0-9]+(-[a-z0-9]+)*")


def folder_names(comparison: Comparison) -> list[str]:
    """Return the folder of each scenario: its number and the letters and digits of its name."""
    words = [re.sub(r"[^a-z0-9]+", "-", one.name.lower()).strip("-") for one in comparison.scenarios]
    return [f"{number}-{word[:60].strip('-')}".rstrip("-") for number, word in enumerate(words, start=1)]


def save_comparison(comparison: Comparison, directory: Path) -> Path:
    """Write differences, summary and every scenario's results; see ``Comparison.save``."""
    import pandas as pd

    names = folder_names(comparison)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=directory) as place:
            staged = Path(place)
            frame = pd.concat([comparison.difference(name).to_frame() for name in comparison.variables()])
            frame.to_csv(staged / "differences.csv", index=False, lineterminator="\n")
            (staged / "summary.txt").write_text(f"{comparison.summary()}\n", encoding="utf-8")
            record = json.dumps(_record(comparison, names), indent=2, ensure_ascii=False)
            (staged / RECORD).write_text(f"{record}\n", encoding="utf-8")
            for name, results in zip(names, comparison.results, strict=True):
                save_results(results, staged / name)
            earlier = saved_folders(directory)
            (directory / RECORD).unlink(missing_ok=True)
            for name in names:
                _move_folder(staged / name, directory / name)
            for name in earlier:
                if name not in names:
                    _clear_folder(directory / name)
            for file in COMPARISON_FILES:
                os.replace(staged / file, directory / file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            error.errno or 0, f"the comparison cannot be written to '{directory}': {reason}"
        ) from error
    return directory


def saved_folders(directory: Path) -> list[str]:
    """Return the folders of the comparison that is in a folder already; none where it cannot be read."""
    with contextlib.suppress(ValueError, OSError):
        return [name for name, _ in _scenarios(directory / RECORD, read_json(directory / RECORD))]
    return []


def _move_folder(source: Path, target: Path) -> None:
    """Move a folder of results; where there is one already, its results make way and other files stay."""
    if not target.exists():
        os.replace(source, target)
        return
    staged = target / f"{STAGED}{source.name}"
    os.replace(source, staged)
    place_files(staged, target, (*FILES, *OTHER_FILES), "run.json")


def _clear_folder(folder: Path) -> None:
    """Take away the results of a scenario that is no longer compared; files of others stay."""
    for name in (*FILES, *OTHER_FILES):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()  # refuses where something else is left


def _record(comparison: Comparison, names: list[str]) -> dict[str, Any]:
    """Return what was compared."""
    first = comparison.results[0]
    tolerance = comparison.tolerance
    return {
        "format_version": _FORMAT,
        "against": first.scenario.name,
        "scenarios": [
            {"name": one.scenario.name, "fingerprint": one.scenario.fingerprint(), "folder": name}
            for name, one in zip(names, comparison.results, strict=True)
        ],
        "seed": first.seed,
        "households": first.households,
        "replicates": first.n_replicates,
        "periods": list(comparison.periods()),
        "tolerance": None if tolerance is None else tolerance.as_dict(),
    }


def read_comparison(directory: Path) -> tuple[list[Results], dict[str, Any] | None]:
    """Read what ``save_comparison`` wrote.

    Parameters
    ----------
    directory
        Folder with ``comparison.json``.

    Returns
    -------
    list of Results
        Each scenario's, the one compared with first.
    dict or None
        What was asked of the Monte Carlo error, as ``comparison.json`` says it.

    Raises
    ------
    ValueError
        When ``comparison.json`` is damaged or of a newer or another program, or a scenario's folder is
        missing, damaged, or holds another run. Nothing is unpickled.
    OSError
        When a file cannot be read.
    """
    path = directory / RECORD
    record = read_json(path)
    version = record.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"'{path}' has no format_version: it was not written by cbhi")
    if version > _FORMAT:
        raise ValueError(
            f"'{directory}' was written by a newer cbhi: format {version} of comparisons, and this version"
            f" reads up to {_FORMAT}; pip install --upgrade cbhi"
        )
    results = []
    for name, entry in _scenarios(path, record):
        if not (directory / name).is_dir():
            raise ValueError(f"'{directory}' is not complete: there is no folder '{name}'")
        one = load_results(directory / name)
        _require_same_run(directory / name, one, entry, record)
        results.append(one)
    tolerance = record.get("tolerance")
    if tolerance is not None and not isinstance(tolerance, dict):
        raise ValueError(f"'{path}' is damaged: 'tolerance' holds {tolerance!r}")
    return results, tolerance


def _scenarios(path: Path, record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the folder and the entry of each scenario; a folder is a plain name inside the comparison's."""
    entries = record.get("scenarios")
    if not isinstance(entries, list) or len(entries) < 2:
        raise ValueError(f"'{path}' is damaged: it does not name the scenarios that are compared")
    found = []
    for entry in entries:
        name = entry.get("folder") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not _PLAIN.fullmatch(name):
            raise ValueError(f"'{path}' is damaged: {name!r} is no folder of a scenario")
        found.append((name, entry))
    return found


def _require_same_run(folder: Path, one: Results, entry: dict[str, Any], record: dict[str, Any]) -> None:
    """Refuse results that took the place of those compared."""
    for what, found, noted in (
        ("scenario", one.scenario.name, entry.get("name")),
        ("fingerprint", one.scenario.fingerprint(), entry.get("fingerprint")),
        ("seed", one.seed, record.get("seed")),
        ("households", one.households, record.get("households")),
        ("replicates", one.n_replicates, record.get("replicates")),
    ):
        if found != noted:
            raise ValueError(
                f"'{folder}' does not hold the run that was compared: {what} {found!r}, and {RECORD} says"
                f" {noted!r}; compare again"
            )
