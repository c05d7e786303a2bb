"""The command ``cbhi solve``."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import click

from cbhi.cli.errors import CHECK_FAILED, errors
from cbhi.cli.folder import claim
from cbhi.cli.options import WholeNumber, choose, default_workers, overrides, point, sizes
from cbhi.cli.progress import is_compiled, show_compiling, show_progress


@click.command()
@click.argument("scenario")
@click.option(
    "--vary",
    "parameter",
    required=True,
    metavar="KEY",
    help="What to vary: a key, several with commas between, scale:KEY for a factor, or 'premium'.",
)
@click.option(
    "--goal", required=True, metavar="GOAL", help="'VARIABLE>=NUMBER', 'VARIABLE<=NUMBER' or 'balance'."
)
@click.option("--in", "period", metavar="YEAR[-YEAR]", help="Years of the goal.  [default: last complete]")
@click.option(
    "--probability", type=float, metavar="P", default=0.9, show_default=True,
    help="Share of replicates that are to meet the goal.",
)  # fmt: skip
@click.option("--low", type=float, metavar="X", help="Lowest value to try.  [default: lowest allowed]")
@click.option(
    "--high",
    type=float,
    metavar="X",
    help="Highest value to try.  [default: highest allowed; for factors and RWF 10 times the own]",
)
@click.option(
    "--max-evaluations", type=WholeNumber(10, 1000), metavar="N", default=20, show_default=True,
    help="Most values to try.",
)  # fmt: skip
@sizes(households=5_000, replicates=10)
@overrides
@point
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="Folder for the values tried and the answer.  [default: none is written]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no table.")
def command(
    scenario: str,
    parameter: str,
    goal: str,
    period: str | None,
    probability: float,
    low: float | None,
    high: float | None,
    max_evaluations: int,
    households: int | str,
    replicates: int,
    seed: int,
    workers: int | None,
    changes: tuple[str, ...],
    until: str | None,
    at_point: bool,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the value at which SCENARIO just meets a goal.

    SCENARIO is a name that `cbhi list` prints, or a TOML file. 'premium' is a factor on all premiums;
    'balance' means that income covers the claims approved, paid or not, and all other expenses
    (scheme_surplus_rwf>=0). The answer is the change nearest to the scenario's own value.
    Exit code 1 says that no value meets the goal; what comes nearest and what stands in the way is printed
    all the same.

    \b
    Examples:
      cbhi solve rwanda --set fund.pool_grant_rwf=0 --vary premium --goal balance --in 2009
      cbhi solve rwanda --vary subsidy.slots_share --goal "coverage_end_share>=0.85" --in 2012
      cbhi solve rwanda --vary premium --goal "coverage_end_share>=0.8" --in 2009 --low 1 --high 4
    """
    with errors(households) as outcome:
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        chosen = choose(scenario, changes, until, at_point)
        from cbhi.saving import clear_leftovers
        from cbhi.simulation import simulate
        from cbhi.solving import check_question, solve

        # everything that is wrong with the question is said before anything is compiled or written
        check_question(chosen, parameter, goal, low, high, period, probability)
        with claim(output) if output is not None else contextlib.nullcontext():
            if output is not None:
                clear_leftovers(output)
            if not is_compiled():
                with show_compiling(quiet):
                    simulate(chosen, households=1)
            with show_progress(quiet) as progress:
                found = solve(
                    chosen,
                    parameter,
                    goal=goal,
                    low=low,
                    high=high,
                    period=period,
                    probability=probability,
                    households=households,
                    replicates=replicates,
                    seed=seed,
                    workers=workers or default_workers(),
                    max_evaluations=max_evaluations,
                    progress=progress,
                )
            if output is not None:
                with outcome.writing(output):
                    found.save(output)
    if as_json:
        from cbhi.solving.words import as_dict

        click.echo(json.dumps(as_dict(found), indent=2, allow_nan=False, ensure_ascii=False))
    elif not quiet:
        click.echo(found.summary())
        if output is not None:
            click.echo(f"written to {output}")
    if not found.reached:
        raise SystemExit(CHECK_FAILED)
