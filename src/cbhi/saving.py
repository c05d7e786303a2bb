"""Write results to a folder: tables, what was run, and a picture.

All files are written to a hidden folder inside the target and then renamed into place, so that a run that
fails or is stopped leaves either the old files or the new ones.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.months import format_month
from cbhi.plots import plot_headline
from cbhi.published import published_table
from cbhi.results import COLUMNS, Results

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FILES", "save_results"]

FILES = (
    "yearly.csv",
    "monthly.csv",
    "quintiles.csv",
    "districts.csv",
    "flows.csv",
    "accounts.csv",
    "resources.csv",
    "lenders.csv",
    "published.csv",
    "parameters.csv",
    "scenario.json",
    "run.json",
    "coverage.png",
)
"""Everything a folder of results can hold; a file that a run does not make is removed."""

_PACKAGES = ("cbhi", "numpy", "numba", "pandas", "scipy", "matplotlib")
_WEAK = ("recalled", "assumption")


def save_results(results: Results, directory: Path, *, record: Mapping[str, Any] | None = None) -> Path:
    """Write tables, a run record and, with matplotlib, a picture.

    Parameters
    ----------
    results
        What to write.
    directory
        Folder, made if need be. Other files in it are left alone.
    record
        More to keep in ``run.json``, such as the time of day and the seconds it took, which results do not
        know.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OSError
        When the folder cannot be made or written; it then holds what it held before.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=directory) as name:
            staged = Path(name)
            _write_all(results, staged, dict(record or {}))
            made = [file for file in FILES if (staged / file).exists()]
            for file in made:
                os.replace(staged / file, directory / file)
            for file in FILES:
                if file not in made:
                    (directory / file).unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno or 0, f"results cannot be written to '{directory}': {reason}") from error
    return directory


def _write_all(results: Results, folder: Path, record: dict[str, Any]) -> None:
    import pandas as pd

    tables: dict[str, Callable[[], pd.DataFrame]] = {
        "yearly.csv": lambda: results.to_frame(every="year"),
        "monthly.csv": lambda: results.to_frame(every="month"),
        "quintiles.csv": lambda: results.to_frame(every="year", by="quintile"),
        "districts.csv": lambda: _district_means(results),
        "flows.csv": results.flows_frame,
        "accounts.csv": results.accounts_frame,
        "resources.csv": results.resources_frame,
        "lenders.csv": results.lender_frame,
        "parameters.csv": lambda: pd.DataFrame(results.scenario.provenance()),
    }
    if results.scenario.country:
        tables["published.csv"] = lambda: published_table(results)
    for file, make in tables.items():
        make().to_csv(folder / file, index=False, lineterminator="\n")
    _write_json(folder / "scenario.json", results.scenario.as_dict())
    try:
        plot_headline(results).savefig(folder / "coverage.png")
        picture = "coverage.png"
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "matplotlib":
            raise
        picture = "not drawn: matplotlib is not installed; pip install 'cbhi[plot]'"
    _write_json(folder / "run.json", {**_run_record(results), "picture": picture, **record})


def _district_means(results: Results) -> pd.DataFrame:
    """Return the yearly values of each district, averaged over the replicates; every one would be large."""
    frame = results.to_frame(every="year", by="district")
    keys = ["scenario", "param_set", "period", "group", "variable", "unit"]
    means = frame.groupby(keys, sort=False, as_index=False)["value"].mean()
    ordered: pd.DataFrame = means.assign(replicate="mean")[list(COLUMNS)]
    return ordered


def _run_record(results: Results) -> dict[str, Any]:
    """Return what was run, on what, and how far its parameters can be trusted."""
    scenario = results.scenario
    parameters = scenario.provenance()
    counts: dict[str, int] = {}
    for row in parameters:
        counts[row["confidence"]] = counts.get(row["confidence"], 0) + 1
    return {
        "scenario": scenario.name,
        "fingerprint": scenario.fingerprint(),
        "country": scenario.country,
        "start": format_month(scenario.start),
        "end": format_month(scenario.end),
        "periods": [
            {
                "period": label,
                "from": format_month(scenario.start + begin),
                "to": format_month(scenario.start + end - 1),
                "months": end - begin,
            }
            for label, begin, end in results.periods
        ],
        "seed": results.seed,
        "households": results.households,
        "replicates": results.n_replicates,
        "replicate_numbers": [int(number) for number in results.arrays.replicates],
        "persons_per_simulated_person": results.weight,
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "parameters_by_confidence": dict(sorted(counts.items())),
        "parameters_recalled_or_assumed": [row["key"] for row in parameters if row["confidence"] in _WEAK],
    }


def _versions() -> dict[str, str | None]:
    """Return the version of each package that decides results, None where it is not installed."""
    versions: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
