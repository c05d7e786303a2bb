"""The command ``cbhi predict``."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cbhi.cli.errors import errors
from cbhi.cli.folder import claim, default_folder
from cbhi.cli.options import choose, default_workers, overrides, sizes
from cbhi.cli.progress import is_compiled, show_compiling, show_progress

if TYPE_CHECKING:
    from cbhi.scenarios import Scenario

YEARS_AHEAD = 6
"""Years that are predicted beyond the scenario's own last month, unless told otherwise."""


@click.command()
@click.argument("scenario")
@click.option(
    "--since", metavar="YYYY-MM", help="First month of the table.  [default: after the scenario's own last]"
)
@sizes(households=10_000, replicates=400)
@overrides
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="Folder of the table.  [default: out/NAME-predictions]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no table.")
def command(
    scenario: str,
    since: str | None,
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
    """Predict the years after SCENARIO's own, under the rules known for them, as a table with bands.

    Coverage by year and by month, premiums, claims, net result per member, visits, catastrophic spending:
    medians and 5-95 % bands over the scenario's parameter sets and chance. Without --until the table reaches
    six years beyond the scenario's last month.

    \b
    Examples:
      cbhi predict rwanda
      cbhi predict rwanda --until 2015-06 --replicates 100 -o out/three-years
      cbhi predict rwanda --set subsidy.offered=false -o out/without-subsidies
    """
    with errors(households) as outcome:
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        chosen, first, last = _span(scenario, changes, since, until)
        folder = output or default_folder(chosen, None).with_name(
            f"{default_folder(chosen, None).name}-predictions"
        )
        from cbhi.predictions import predicted_years, predictions
        from cbhi.simulation import simulate, simulate_country

        predicted_years(chosen, first, last)
        with claim(folder):
            if not is_compiled():
                with show_compiling(quiet):
                    simulate(chosen, households=1)
            with show_progress(quiet) as progress:
                results = simulate_country(
                    chosen,
                    households=households,
                    replicates=replicates,
                    seed=seed,
                    workers=workers or default_workers(),
                    progress=progress,
                )
            record = {"command": _typed(), "date": datetime.now(UTC).date().isoformat()}
            found = predictions(results, first, last, record)
            with outcome.writing(folder):
                found.save(folder)
    if as_json:
        rows = json.loads(found.to_frame().to_json(orient="records"))
        content = {**found.provenance(), "predictions": rows}
        click.echo(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False))
    elif not quiet:
        click.echo(found)
        click.echo(f"written to {folder}")


def _span(
    name: str, changes: tuple[str, ...], since: str | None, until: str | None
) -> tuple[Scenario, str, str]:
    """Return the scenario, extended, and the first and last month of the table."""
    from cbhi.months import format_month, parse_month

    own = choose(name, changes, None)
    first = since or format_month(own.end + 1)
    last = until or format_month(own.end + 12 * YEARS_AHEAD)
    for option, text in (("--since", first), ("--until", last)):
        try:
            parse_month(text)
        except ValueError as error:
            raise ValueError(f"{option} {text}: {error}") from None
    if parse_month(last) <= parse_month(first):
        raise ValueError(
            f"the table would begin in {first} and end in {last}; give a later --until, or an earlier --since"
        )
    return choose(name, changes, last), first, last


def _typed() -> str:
    """Return the command as it was typed, without the folder of the program."""
    import shlex

    return shlex.join(["cbhi", *sys.argv[1:]])
