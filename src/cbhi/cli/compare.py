"""The command ``cbhi compare``."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cbhi.cli.errors import errors
from cbhi.cli.folder import claim
from cbhi.cli.kept import Kept
from cbhi.cli.options import (
    choose,
    default_sizes,
    default_workers,
    overrides,
    point,
    sizes,
    tolerance,
)
from cbhi.cli.progress import is_compiled, show_compiling, show_progress
from cbhi.cli.variants import variant

if TYPE_CHECKING:
    from cbhi.comparison import Comparison
    from cbhi.scenarios import Scenario


@click.command()
@click.argument("scenarios", nargs=-1, required=True)
@click.option(
    "--with",
    "variants",
    multiple=True,
    metavar="CHANGES",
    help="Compare also the first scenario with these changes: '[NAME:] KEY=VALUE, KEY=VALUE'; repeatable.",
)
@sizes(with_sets=True)
@overrides
@point
@click.option("--on", metavar="VARIABLE", help="Print this variable in every year, instead of the headlines.")
@click.option(
    "--by",
    type=click.Choice(["all", "district", "quintile", "category", "sex", "cover"]),
    default="all",
    show_default=True,
    help="Groups to print, with --on.",
)
@tolerance("the 95 % interval of each difference is +/- X or less, in the unit of --on")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="Folder for every scenario's results and the differences.  [default: none is written]",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Take the finished replicates of an earlier -o, do the others.")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no table.")
def command(
    scenarios: tuple[str, ...],
    variants: tuple[str, ...],
    households: int | str,
    replicates: int,
    seed: int,
    workers: int | None,
    changes: tuple[str, ...],
    until: str | None,
    at_point: bool,
    on: str | None,
    by: str,
    tol: float | None,
    period: str | None,
    max_replicates: int,
    output: Path | None,
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare SCENARIOS with the first of them, on the same random numbers.

    Each is a name that `cbhi list` prints, or a TOML file. `--with` adds the first one with other values, so
    one scenario and one `--with` are enough. `--set`, `--until` and `--point` hold for all of them. With -o,
    a run that is stopped keeps its finished replicates; the same command with --resume goes on.

    \b
    Examples:
      cbhi compare rwanda mine.toml
      cbhi compare rwanda --with care.copayment_rwf=0
      cbhi compare rwanda --with "no subsidies: subsidy.offered=false" --on coverage_end_share --by quintile
      cbhi compare rwanda --with loans.offered=false --tol 0.002 --max-replicates 100 -o out/no-loans
    """
    with errors(households) as outcome:
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        chosen = _choose_all(scenarios, variants, changes, until, at_point)
        households, replicates = default_sizes(chosen[0], households, replicates)
        if by != "all" and on is None:
            raise ValueError(f"--by {by} needs --on, such as --on coverage_end_share")
        if (period is not None) and tol is None:
            raise ValueError("--in is the year that --tol is about; give --tol, or leave --in out")
        if resume and output is None:
            raise ValueError("--resume needs -o, the folder in which finished replicates were kept")
        from cbhi.comparison import check_scenarios, common_years, compare
        from cbhi.saving import clear_leftovers
        from cbhi.simulation import simulate
        from cbhi.tolerances import check_variable

        watched = on or "coverage_end_share"
        check_scenarios(chosen)
        common_years(chosen)
        check_variable(watched, by)  # type: ignore[arg-type]
        with claim(output) if output is not None else contextlib.nullcontext():
            if not is_compiled():
                with show_compiling(quiet):
                    # in this thread, which Ctrl-C stops at once
                    simulate(chosen[0], households=1)
            if output is not None:
                clear_leftovers(output)
            kept = Kept(output, chosen, households, seed)
            finished = kept.read(quiet) if resume else kept.tell(quiet)
            with kept.on_interrupt():
                with show_progress(quiet) as progress:
                    found = compare(
                        *chosen,
                        households=households,
                        replicates=replicates,
                        seed=seed,
                        workers=workers or default_workers(),
                        survey=kept.survey,
                        tol=tol,
                        on=watched,
                        period=period,
                        max_replicates=max_replicates,
                        progress=progress,
                        finished=finished,
                        keep=kept.keep,
                    )
                if output is not None:
                    kept.keep_surplus(found.results)
                    with outcome.writing(output):
                        found.save(output)
            kept.remove(found.results)
    if as_json:
        click.echo(_as_json(found, on, by, output))
    elif not quiet:
        table = found.summary([on], found.periods(), by=by) if on else found.summary()  # type: ignore[arg-type]
        click.echo(table)
        if output is not None:
            click.echo(f"written to {output}")


def _choose_all(
    names: tuple[str, ...],
    variants: tuple[str, ...],
    changes: tuple[str, ...],
    until: str | None,
    at_point: bool,
) -> list[Scenario]:
    chosen = [choose(name, changes, until, at_point) for name in names]
    chosen += [variant(chosen[0], text) for text in variants]
    if len(chosen) < 2:
        said = " (--set holds for all scenarios)" if changes else ""
        raise ValueError(
            f"there is nothing to compare '{names[0]}' with{said}; name a second scenario, or change"
            " something: --with care.copayment_rwf=0"
        )
    return chosen


def _as_json(found: Comparison, on: str | None, by: str, output: Path | None) -> str:
    """Return the differences by year as one JSON text."""
    import pandas as pd

    from cbhi.comparison.table import HEADLINE

    first = found.results[0]
    frames = []
    for name in [on] if on else list(HEADLINE):
        difference = found.difference(name, "year", by)  # type: ignore[arg-type]
        frame = difference.mean_ci()
        frame.insert(5, "mean_against", difference.mean_against.ravel())
        quantiles = difference.quantiles()
        frame = frame.assign(**{key: quantiles[key] for key in ("p05", "p50", "p95")})
        frame = frame.assign(variance_ratio=difference.variance_ratio.ravel())
        if difference.clusters is not None:
            shares = difference.uncertainty()
            for key in ("share_parameters", "share_low", "share_high"):
                frame[key] = shares[key]
        frames.append(frame)
    rows = [
        {str(key): _plain(value) for key, value in row.items()}
        for row in pd.concat(frames, ignore_index=True).to_dict("records")
    ]
    tolerance = found.tolerance
    content: dict[str, Any] = {
        "against": first.scenario.name,
        "scenarios": [
            {"name": one.scenario.name, "fingerprint": one.scenario.fingerprint()} for one in found.results
        ],
        "seed": first.seed,
        "households": first.households,
        "replicates": first.n_replicates,
        "n_param_sets": first.n_param_sets,
        "tolerance": None if tolerance is None else tolerance.as_dict(),
        "output": None if output is None else str(output),
        "differences": rows,
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a value for JSON, which has neither not-a-number nor infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
