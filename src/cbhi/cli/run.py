"""The command ``cbhi run``."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cbhi.cli.errors import errors
from cbhi.cli.folder import claim, default_folder
from cbhi.cli.options import (
    WholeNumber,
    choose,
    default_sizes,
    default_workers,
    overrides,
    point,
    sizes,
    tolerance,
)
from cbhi.cli.progress import duration, is_compiled, show_compiling, show_progress
from cbhi.cli.resume import find_finished, keep_what_is_finished, tell_what_stays

if TYPE_CHECKING:
    from cbhi.kernels.records import F8
    from cbhi.populations import Population
    from cbhi.results import Results


_SUMMARY = (
    "coverage_end_share",
    "coverage_share",
    "coverage_administrative_share",
    "any_insurance_share",
    "visits_per_person_year",
    "contributions_rwf",
    "subsidies_rwf",
    "claims_paid_rwf",
    "administration_rwf",
    "reserves_rwf",
    "catastrophic_share",
)


@click.command()
@click.argument("scenario")
@sizes(with_sets=True)
@click.option(
    "--survey",
    type=WholeNumber(0, 10_000_000),
    metavar="N",
    default=1_000,
    show_default=True,
    help="Households interviewed every year.",
)
@click.option(
    "--population", "population_folder", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Folder with households.csv and, if wanted, members.csv and bills.csv, instead of drawn ones.",
)  # fmt: skip
@overrides
@point
@click.option(
    "--on", metavar="VARIABLE", default="coverage_end_share", show_default=True,
    help="Variable that --tol is about.",
)  # fmt: skip
@tolerance("the 95 % interval of the mean is +/- X or less, in the unit of --on")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder of the results.  [default: out/NAME]"
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(("csv", "parquet", "xlsx", "dta")),
    multiple=True,
    help="Form of the tables, beside CSV; may be given several times.",
)
@click.option("--resume", is_flag=True, help="Take the finished replicates of an earlier run, do the others.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no table.")
def command(
    scenario: str,
    households: int | str,
    replicates: int,
    seed: int,
    workers: int | None,
    survey: int,
    population_folder: Path | None,
    changes: tuple[str, ...],
    until: str | None,
    at_point: bool,
    on: str,
    tol: float | None,
    period: str | None,
    max_replicates: int,
    output: Path | None,
    formats: tuple[str, ...],
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Simulate SCENARIO and write the results.

    SCENARIO is a name that `cbhi list` prints, or a TOML file. Where it carries parameter sets, each is used
    for two replicates, and the bands hold doubt about the parameters and chance; --point leaves the sets out.
    A run that is stopped keeps its finished replicates; the same command with --resume goes on. So does a
    larger --replicates.

    \b
    Examples:
      cbhi run rwanda
      cbhi run rwanda --set care.copayment_rwf=0 --until 2018-06
      cbhi run my-scheme.toml --replicates 100 -o results/my-scheme --format xlsx
      cbhi run rwanda --replicates 500 --resume
      cbhi run rwanda --point
      cbhi run rwanda --tol 0.005 --on coverage_end_share --in 2010
      cbhi run my-scheme.toml --population my-village
    """
    began = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with errors(households) as outcome:
        if formats:
            from cbhi.formats import check_formats

            check_formats(formats)  # a missing package is said before anything is simulated
        from cbhi import simulate
        from cbhi.tolerances import check_tolerance

        chosen = choose(scenario, changes, until, at_point)
        households, replicates = default_sizes(chosen, households, replicates)
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        if period is not None and tol is None:
            raise ValueError("--in is the year that --tol is about; give --tol, or leave --in out")
        if tol is not None:
            check_tolerance(tol, on, replicates, chosen.is_uncertain)
        most = replicates if tol is None else max(replicates, max_replicates)
        population, wanted = _population(population_folder, households)
        folder = output if output is not None else default_folder(chosen, until)
        with claim(folder):
            from cbhi.parts import Parts
            from cbhi.saving import check_folder, check_workbook, clear_leftovers, save_results
            from cbhi.simulation import households_at_start

            if "xlsx" in formats:
                check_workbook(-(-chosen.n_months // 12), most)
            clear_leftovers(folder)
            check_folder(folder)
            parts = Parts(
                folder,
                chosen,
                households_at_start(chosen, wanted, population),
                seed,
                survey,
                "" if population is None else population.fingerprint(),
            )
            finished = find_finished(parts, resume, quiet)
            if not is_compiled():
                with show_compiling(quiet):
                    # in this thread, which Ctrl-C stops at once
                    simulate(chosen, households=1)
            with keep_what_is_finished(parts, finished, most):
                with show_progress(quiet) as progress:
                    results = simulate(
                        chosen,
                        households=wanted,
                        replicates=replicates,
                        seed=seed,
                        workers=workers or default_workers(),
                        survey=survey,
                        population=population,
                        progress=progress,
                        finished=finished,
                        keep=parts.keep,
                        tol=tol,
                        on=on,
                        period=period,
                        max_replicates=most,
                    )
                replaced = _earlier_run(folder) if finished is None else ""
                record = {"started": started, "wall_seconds": round(time.monotonic() - began, 3)}
                # finished replicates are not lost with the larger run that held them
                parts.keep_surplus(results.arrays.replicates)
                with outcome.writing(folder):
                    save_results(results, folder, formats=formats, record=record)
            parts.remove(results.arrays.replicates)
            more = tell_what_stays(parts)
    if as_json:
        click.echo(_summary(results, folder, record))
    elif not quiet:
        _print_results(results, folder, record)
        if replaced:
            click.echo(f"in place of an earlier run: {replaced}")
        if more:
            click.echo(more)


def _earlier_run(folder: Path) -> str:
    """Return in words what the folder held before, or an empty text."""
    try:
        held = _record(folder)
        size = f"{held['replicates']} x {held['households']:,} households"
        return f"{held['scenario']}, {size}, seed {held['seed']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _print_results(results: Results, folder: Path, record: dict[str, Any]) -> None:
    from cbhi.accounts import partners_as_table
    from cbhi.published import published_as_table, yearly_as_table

    click.echo(published_as_table(results) if results.scenario.country else yearly_as_table(results))
    click.echo()
    click.echo(partners_as_table(results))
    click.echo()
    click.echo(
        f"written to {folder} in {duration(record['wall_seconds'])}: {_files_in_words(_written(folder))}"
    )
    picture = _record(folder)["picture"]
    if not (folder / picture).is_file():
        click.echo(f"picture {picture}")


def _files_in_words(files: list[str]) -> str:
    """Return the files as text, a table that is there in several forms once."""
    from cbhi.saving import TABLES

    forms: dict[str, list[str]] = {}
    others = []
    for file in files:
        stem, _, ending = file.rpartition(".")
        if stem in TABLES:
            forms.setdefault(stem, []).append(ending)
        else:
            others.append(file)
    endings = sorted({ending for found in forms.values() for ending in found})
    return f"tables {', '.join(forms)} ({', '.join(endings)}); {', '.join(others)}"


def _record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return content


def _written(folder: Path) -> list[str]:
    """Return the files of the run, tables first and in their order."""
    from cbhi.saving import FILES, OTHER_FILES

    files = {*_record(folder)["files"], "run.json"}
    return [file for file in (*FILES, *OTHER_FILES) if file in files]


def _number(value: Any) -> Any:
    """Return a plain value for JSON: missing and not-a-number become null."""
    import pandas as pd

    return None if pd.isna(value) else value


def _population(folder: Path | None, households: int | str) -> tuple[Population | None, int | str | None]:
    """Return the population in a folder, if there is one, and the households to ask for beside it."""
    if folder is None:
        return None, households
    if folder == Path():
        raise ValueError("the folder of the population has no name; example: --population my-village")
    source = click.get_current_context().get_parameter_source("households")
    if source is not click.core.ParameterSource.DEFAULT:
        raise ValueError("--households beside --population: the table says how many there are; leave it out")
    from cbhi.populations import Population

    return Population.read(folder), None


def _shares(results: Results, values: F8) -> list[dict[str, Any] | None]:
    """Return for each year which share of a variance is the parameters', with its 90 % interval."""
    from cbhi.spread import variance_shares

    if results.clusters is None:
        return [None] * values.shape[1]
    found = variance_shares(values, results.clusters)
    rows = zip(found.share.tolist(), found.low.tolist(), found.high.tolist(), strict=True)
    return [
        {key: _number(value) for key, value in zip(("share", "low", "high"), row, strict=True)}
        for row in rows
    ]


def _summary(results: Results, folder: Path, record: dict[str, Any]) -> str:
    """Return the results of a run as one JSON text."""
    import numpy as np

    from cbhi.months import format_month
    from cbhi.published import published_table
    from cbhi.spread import describe_spread
    from cbhi.variables import VARIABLES

    labels = [label for label, _, _ in results.periods]
    yearly = []
    for name in _SUMMARY:
        values = results.values(name)[..., 0]
        shares = _shares(results, values)
        for label, column, share in zip(labels, values.T, shares, strict=True):
            known = column[~np.isnan(column)]
            spread = np.quantile(known, (0.5, 0.05, 0.95)).tolist() if known.size else [None] * 3
            yearly.append(
                {
                    "period": label,
                    "variable": name,
                    "unit": VARIABLES[name].unit,
                    **dict(zip(("median", "p05", "p95"), spread, strict=True)),
                    "parameters": share,
                }
            )
    content: dict[str, Any] = {
        "scenario": results.scenario.name,
        "fingerprint": results.scenario.fingerprint(),
        "start": format_month(results.scenario.start),
        "end": format_month(results.scenario.end),
        "seed": results.seed,
        "households": results.households,
        "replicates": results.n_replicates,
        "n_param_sets": results.n_param_sets,
        "spread": describe_spread(results),
        "tolerance": None if results.tolerance is None else results.tolerance.as_dict(),
        **record,
        "output": str(folder),
        "files": _written(folder),
        "yearly": yearly,
        "published": None,
    }
    if results.scenario.country:
        rows = published_table(results).astype(object).to_dict("records")
        rows = [{str(key): _number(value) for key, value in row.items()} for row in rows]
        fitted = [row for row in rows if row["use"] == "fit"]
        content["published"] = {
            "fitted": len(fitted),
            "fitted_within_2_sd": sum(row["within_2_sd"] is True for row in fitted),
            "misses": [row["key"] for row in fitted if row["within_2_sd"] is not True],
            "rows": rows,
        }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
