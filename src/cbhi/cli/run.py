"""The command ``cbhi run``."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cbhi.cli.errors import INTERRUPTED, errors
from cbhi.cli.folder import claim, default_folder
from cbhi.cli.options import choose, default_workers, overrides, sizes
from cbhi.cli.progress import COMPILING, duration, is_compiled, show_progress

if TYPE_CHECKING:
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
@sizes()
@overrides
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder of the results.  [default: out/NAME]"
)
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no table.")
def command(
    scenario: str,
    households: int | str,
    replicates: int,
    seed: int,
    workers: int | None,
    changes: tuple[str, ...],
    until: str | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Simulate SCENARIO and write the results.

    SCENARIO is a name that `cbhi list` prints, or a TOML file.

    \b
    Examples:
      cbhi run rwanda
      cbhi run rwanda --set care.copayment_rwf=0 --until 2018-06
      cbhi run my-scheme.toml --replicates 100 -o results/my-scheme
    """
    began = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    stopped = False
    with errors(households):
        chosen = choose(scenario, changes, until)
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        folder = output if output is not None else default_folder(chosen, until)
        with claim(folder):
            from cbhi import Interrupted, simulate

            if not is_compiled():
                if not quiet:
                    click.echo(COMPILING, err=True)
                # in this thread, which Ctrl-C stops at once
                simulate(chosen, households=1)
            try:
                with show_progress(quiet) as progress:
                    results = simulate(
                        chosen,
                        households=households,
                        replicates=replicates,
                        seed=seed,
                        workers=workers or default_workers(),
                        progress=progress,
                    )
            except Interrupted as interruption:
                if interruption.results is None:
                    raise
                results, stopped = interruption.results, True
                if (folder / "run.json").exists():
                    # what an earlier run finished is worth more than a part of this one
                    folder = folder.with_name(f"{folder.name}-interrupted")
            record = {
                "started": started,
                "wall_seconds": round(time.monotonic() - began, 3),
                "replicates_asked": replicates,
                "interrupted": stopped,
            }
            from cbhi.saving import save_results

            save_results(results, folder, record=record)
    if as_json:
        click.echo(_summary(results, folder, record))
    elif not quiet:
        _print_results(results, folder, record)
    if stopped:
        click.echo(
            f"interrupted: the {results.n_replicates} finished of {replicates} replicates are in {folder};"
            " the same command starts again from the first",
            err=True,
        )
        raise SystemExit(INTERRUPTED)


def _print_results(results: Results, folder: Path, record: dict[str, Any]) -> None:
    from cbhi.accounts import format_partners
    from cbhi.published import format_published, format_yearly

    click.echo(format_published(results) if results.scenario.country else format_yearly(results))
    click.echo()
    click.echo(format_partners(results))
    click.echo()
    click.echo(f"written to {folder} in {duration(record['wall_seconds'])}: {', '.join(_written(folder))}")
    picture = json.loads((folder / "run.json").read_text(encoding="utf-8"))["picture"]
    if not (folder / picture).is_file():
        click.echo(f"picture {picture}")


def _written(folder: Path) -> list[str]:
    from cbhi.saving import FILES

    return [file for file in FILES if (folder / file).is_file()]


def _number(value: Any) -> Any:
    """Return a plain value for JSON: missing and not-a-number become null."""
    import pandas as pd

    return None if pd.isna(value) else value


def _summary(results: Results, folder: Path, record: dict[str, Any]) -> str:
    """Return the results of a run as one JSON text."""
    import numpy as np

    from cbhi.months import format_month
    from cbhi.published import published_table
    from cbhi.variables import VARIABLES

    labels = [label for label, _, _ in results.periods]
    yearly = []
    for name in _SUMMARY:
        values = results.values(name)[..., 0]
        for label, column in zip(labels, values.T, strict=True):
            known = column[~np.isnan(column)]
            spread = np.quantile(known, (0.5, 0.05, 0.95)).tolist() if known.size else [None] * 3
            yearly.append(
                {
                    "period": label,
                    "variable": name,
                    "unit": VARIABLES[name].unit,
                    **dict(zip(("median", "p05", "p95"), spread, strict=True)),
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
