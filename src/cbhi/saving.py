"""Write results to a folder: tables, arrays, what was run, and a picture.

All files are written to a hidden folder inside the target and then renamed into place, ``run.json`` last
(``cbhi.placing``): a run that fails or is stopped leaves either the old files or the new ones. One that is
killed in the middle of the renames leaves a folder without ``run.json``, and the next ``load`` or run there
finishes what it began.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.formats import SHEET_ROWS, check_formats, write_table, write_workbook
from cbhi.kernels import codes
from cbhi.kernels.records import F8
from cbhi.months import format_month
from cbhi.placing import STAGED, clear_staged, place_files, settle
from cbhi.plots import plot_headline
from cbhi.published import published_table
from cbhi.results import COLUMNS, Results, select_replicates
from cbhi.spread import describe_spread, quantiles_over_replicates
from cbhi.storage import FORMAT_VERSION, hash_of_file, scenario_to_plain, write_arrays
from cbhi.variables import VARIABLES
from cbhi.words import listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FILES",
    "OTHER_FILES",
    "TABLES",
    "check_folder",
    "check_workbook",
    "clear_leftovers",
    "save_results",
    "versions_of_packages",
]

TABLES = {
    "yearly": "every variable by reporting year",
    "monthly": "every variable by month",
    "quintiles": "by fifth of consumption and reporting year",
    "groups": "by poverty category, sex and kind of cover, and reporting year",
    "districts": "by district and reporting year, means over replicates",
    "flows": "money moved, by kind and reporting year",
    "accounts": "each partner's account by reporting year",
    "resources": "what each partner brings by reporting year",
    "lenders": "the lenders' balance sheet by reporting year",
    "survey": "what surveyed households tell, first replicate",
    "indicators": "the indicators of the field by reporting year",
    "health_accounts": "money in the System of Health Accounts 2011",
    "published": "the published figures beside the model",
    "parameters": "every parameter, its value at the start and its source",
}
"""Name and content of each table."""

WORKBOOK = "results.xlsx"
FILES = (*(f"{name}.csv" for name in TABLES), "arrays.npz", "scenario.json", "run.json", "coverage.png")
"""What a folder of results holds by default; a file that a run does not make is removed."""
OTHER_FILES = (*(f"{name}.{ending}" for ending in ("parquet", "dta") for name in TABLES), WORKBOOK)
"""What other formats add."""

_PACKAGES = ("cbhi", "numpy", "numba", "pandas", "scipy", "matplotlib")
_WEAK = ("recalled", "assumption")
_COLUMN_LABELS = {
    "scenario": "Scenario",
    "param_set": "Number of the set of parameters",
    "replicate": "Replicate: a run with draws of its own",
    "period": "Reporting year, by the year in which it closes, or month",
    "group": "Group of people",
    "variable": "Variable, see docs/variables.md",
    "value": "Value in the unit beside it",
    "unit": "Unit",
    "months": "Months of the reporting year that were simulated",
    "value_rwf": "RWF, national scale",
    "payer": "Who pays",
    "payee": "Who receives",
    "purpose": "What for",
    "flow": "Kind of payment",
    "partner": "Whose account",
    "item": "Opening, closing, or kind of payment",
    "counterpart": "Who stands on the other side",
    "model_median": "Model: median over replicates",
    "model_p05": "Model: 5 % quantile over replicates",
    "model_p95": "Model: 95 % quantile over replicates",
}


def save_results(
    results: Results,
    directory: Path,
    *,
    formats: Iterable[str] = ("csv",),
    record: Mapping[str, Any] | None = None,
) -> Path:
    """Write tables, arrays, a run record and, with matplotlib, a picture.

    Parameters
    ----------
    results
        What to write.
    directory
        Folder, made if need be. Other files in it are left alone.
    formats
        Forms of the tables from ``cbhi.formats.FORMATS``; CSV is always written.
    record
        More to keep in ``run.json``, such as the time of day and the seconds it took, which results do not
        know.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ValueError
        For an unknown format, or more rows than a sheet of a workbook holds.
    ModuleNotFoundError
        When the package that writes a format is not installed.
    OSError
        When the folder cannot be made or written; it then holds what it held before.
    """
    wanted = check_formats(formats)
    if "xlsx" in wanted:
        check_workbook(len(results.periods), results.n_replicates)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # what cannot be taken away is hidden, and goes with the next run
        with tempfile.TemporaryDirectory(prefix=STAGED, dir=directory, ignore_cleanup_errors=True) as name:
            staged = Path(name)
            _write_all(results, staged, wanted, dict(record or {}))
            place_files(staged, directory, (*FILES, *OTHER_FILES), mark="run.json")
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno or 0, f"results cannot be written to '{directory}': {reason}") from error
    return directory


def check_workbook(n_periods: int, n_replicates: int) -> None:
    """Refuse a workbook whose longest sheet would not fit.

    Parameters
    ----------
    n_periods
        Reporting years.
    n_replicates
        Runs.

    Raises
    ------
    ValueError
        With the largest number of replicates that fits.
    """
    # an account has an opening, a closing, and every flow once at either end
    rows = n_periods * max(len(VARIABLES), 2 * len(codes.SECTORS) + 2 * codes.N_FLOWS)
    if rows * n_replicates > SHEET_ROWS:
        raise ValueError(
            f"a sheet of a workbook holds {SHEET_ROWS:,} rows, and {n_replicates:,} replicates need"
            f" {rows * n_replicates:,}; at most {SHEET_ROWS // rows:,} replicates fit, or use another format"
        )


def clear_leftovers(directory: Path) -> None:
    """Finish or remove what a run that was killed while it saved has left; no other run may be writing there.

    Parameters
    ----------
    directory
        Folder of results.

    Raises
    ------
    OSError
        When results that were being put in place cannot be.
    """
    settle(directory, alone=True)
    clear_staged(directory)


def check_folder(directory: Path) -> None:
    """Refuse a folder with files of the user's own that results would take the place of.

    Parameters
    ----------
    directory
        Where results are to be written.

    Raises
    ------
    ValueError
        When it holds files named as those of results, or of a comparison, and no run of cbhi wrote them; or
        a calibration, finished or stopped, whose record has the same name.
    """
    if (directory / "checkpoint" / "calibration.json").exists():
        raise ValueError(
            f"'{directory}' holds a calibration that was stopped, which results of a run would keep from"
            " going on; choose another folder with -o"
        )
    if (directory / "run.json").exists():
        if (directory / "draws.csv").exists():
            raise ValueError(
                f"'{directory}' holds a calibration, which results of a run would spoil; choose another"
                " folder with -o"
            )
        return
    others = [file for file in (*FILES, *OTHER_FILES) if (directory / file).exists()]
    if (directory / "comparison.json").exists():
        others.append("a comparison")
    if others:
        raise ValueError(
            f"'{directory}' holds {listed(others)}, which no run of cbhi wrote there; choose another folder"
            " with -o"
        )


def _write_all(results: Results, folder: Path, formats: tuple[str, ...], record: dict[str, Any]) -> None:
    frames = {}
    # packing arrays keeps no other thread from making tables
    with ThreadPoolExecutor(max_workers=1) as beside:
        packed = beside.submit(write_arrays, results, folder / "arrays.npz")
        for name, make in _frames(results).items():
            frame = make()
            for ending in formats:
                if ending != "xlsx":
                    title = f"{name}: {TABLES[name]}"
                    write_table(frame, folder / f"{name}.{ending}", _COLUMN_LABELS, title)
            if name in _SHEETS.values():
                frames[name] = frame
        _write_json(folder / "scenario.json", scenario_to_plain(results.scenario))
        packed.result()
    try:
        plot_headline(results).savefig(folder / "coverage.png")
        picture = "coverage.png"
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "matplotlib":
            raise
        picture = "not drawn: matplotlib is not installed; pip install 'cbhi[plot]'"
    said = {**_run_record(results), "formats": list(formats), "picture": picture, **record}
    if "xlsx" in formats:
        frames |= {"summary": _summary_frame(results), "about": _about_frame(said)}
        write_workbook({sheet: frames[name] for sheet, name in _SHEETS.items()}, folder / WORKBOOK)
    said["files"] = {path.name: hash_of_file(path) for path in sorted(folder.iterdir())}
    _write_json(folder / "run.json", said)


_SHEETS = {
    "Inputs": "parameters",
    "Summary": "summary",
    "Yearly": "yearly",
    "ByQuintile": "quintiles",
    "Ledger": "accounts",
    "About": "about",
}


def _frames(results: Results) -> dict[str, Callable[[], pd.DataFrame]]:
    """Return how each table is made, in the order of ``TABLES``."""
    import pandas as pd

    frames: dict[str, Callable[[], pd.DataFrame]] = {
        "yearly": lambda: results.to_frame(every="year"),
        "monthly": lambda: results.to_frame(every="month"),
        "quintiles": lambda: results.to_frame(every="year", by="quintile"),
        "groups": lambda: pd.concat(
            [results.to_frame(every="year", by=by) for by in ("category", "sex", "cover")], ignore_index=True
        ),
        "districts": lambda: _district_means(results),
        "flows": results.flows_frame,
        "accounts": results.accounts_frame,
        "resources": results.resources_frame,
        "lenders": results.lender_frame,
        "survey": lambda: select_replicates(results, results.arrays.replicates[:1].tolist()).survey_frame(),
        "indicators": results.indicators,
        "health_accounts": results.health_accounts,
        "published": lambda: published_table(results),
        "parameters": lambda: _parameters_frame(results),
    }
    if not results.scenario.country:
        del frames["published"]
    return frames


def _parameters_frame(results: Results) -> pd.DataFrame:
    """Return one row a parameter; values are of many kinds, so all are text."""
    import pandas as pd

    frame = pd.DataFrame(results.scenario.provenance())
    return frame.assign(value=[str(value) for value in frame["value"]])


def _summary_frame(results: Results) -> pd.DataFrame:
    """Return median and 5-95 % spread over replicates of every variable by reporting year."""
    import pandas as pd

    labels = [label for label, _, _ in results.periods]
    parts = []
    for name, variable in VARIABLES.items():
        low, median, high = quantiles_over_replicates(results.values(name)[..., 0], (0.05, 0.5, 0.95))
        columns = {"variable": name, "about": variable.about, "unit": variable.unit, "period": labels}
        parts.append(pd.DataFrame({**columns, "median": median, "p05": low, "p95": high}))
    return pd.concat(parts, ignore_index=True).assign(replicates=results.n_replicates)


def _about_frame(record: Mapping[str, Any]) -> pd.DataFrame:
    """Return what was run and how the sheets are read, as item and content."""
    import pandas as pd

    rows = [
        ("Inputs", "every parameter: value at the start, unit, range, source, confidence"),
        (
            "Summary",
            "median, and 5 % and 95 % quantiles over replicates: " + record["spread"],
        ),
        ("Yearly", TABLES["yearly"] + "; one row is one value of one replicate"),
        ("ByQuintile", TABLES["quintiles"]),
        ("Ledger", TABLES["accounts"] + "; opening, payments and closing, RWF at national scale"),
    ]
    told = ("scenario", "fingerprint", "start", "end", "households", "replicates", "seed")
    rows += [(key.replace("_", " "), str(record[key])) for key in told]
    rows += [(f"version of {name}", str(version)) for name, version in record["versions"].items()]
    rows.append(("read it again", "cbhi.load(folder) in Python gives back everything"))
    return pd.DataFrame(rows, columns=["item", "content"])


def _district_means(results: Results) -> pd.DataFrame:
    """Return the yearly values of each district, averaged over the replicates; every one would be large."""
    import pandas as pd

    labels, groups = results.period_labels("year"), results.groups("district")
    parts = [
        pd.DataFrame(
            {
                "period": np.repeat(labels, len(groups)),
                "group": np.tile(groups, len(labels)),
                "variable": name,
                "value": _mean_of_known(values).ravel(),
                "unit": VARIABLES[name].unit,
            }
        )
        for name, values in results.all_values("year", "district")
    ]
    of_all = 0 if results.n_param_sets == 1 else "mean"
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.assign(scenario=results.scenario.name, param_set=of_all, replicate="mean")
    ordered: pd.DataFrame = frame[list(COLUMNS)]
    return ordered


def _mean_of_known(values: F8) -> F8:
    """Return the mean over replicates, the first axis, of what is a number; not a number where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _run_record(results: Results) -> dict[str, Any]:
    """Return what was run, on what, and how far its parameters can be trusted."""
    scenario = results.scenario
    parameters = scenario.provenance()
    counts: dict[str, int] = {}
    for row in parameters:
        counts[row["confidence"]] = counts.get(row["confidence"], 0) + 1
    return {
        "format_version": FORMAT_VERSION,
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
        "spread": describe_spread(results),
        "n_param_sets": results.n_param_sets,
        "param_sets": [int(number) for number in results.param_sets],
        "tolerance": None if results.tolerance is None else results.tolerance.as_dict(),
        "replicate_numbers": [int(number) for number in results.arrays.replicates],
        "persons_per_simulated_person": results.weight,
        "engine": results.engine,
        "versions": {"python": platform.python_version(), **versions_of_packages()},
        "platform": platform.platform(),
        "parameters_by_confidence": dict(sorted(counts.items())),
        "parameters_recalled_or_assumed": [row["key"] for row in parameters if row["confidence"] in _WEAK],
    }


def versions_of_packages() -> dict[str, str | None]:
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
