"""The command ``cbhi verify``."""

from __future__ import annotations

import json

import click

from cbhi.cli.errors import CHECK_FAILED, errors
from cbhi.cli.options import WholeNumber, default_workers
from cbhi.cli.progress import is_compiled, show_compiling, show_progress

# words of a limit and six figures do not fit into less
WIDTH = 140


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASE|LIMIT]...")
@click.option("--list", "names_only", is_flag=True, help="Print the names of the cases and run none.")
@click.option(
    "-w", "--workers", type=WholeNumber(1, 256), metavar="N", help="Threads.  [default: the processors]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and only rows that fail.")
def command(
    cases: tuple[str, ...], names_only: bool, workers: int | None, as_json: bool, quiet: bool
) -> None:
    """Run the engine in limits that theory knows, and compare.

    Each CASE is a scenario made of public switches and tables in which a textbook knows the answer; a LIMIT
    such as V13 stands for all its cases; without any, all are run, in some minutes. Exit code 1 when a row
    fails.

    \b
    Examples:
      cbhi verify
      cbhi verify linear-market --json
      cbhi verify V13
    """
    with errors():
        from cbhi.simulation import simulate
        from cbhi.verification import bare_scenario, chosen_cases, known_cases, run_cases
        from cbhi.verification.report import records_of_rows, table_of_rows

        chosen = chosen_cases(cases) if cases else list(known_cases())
        if names_only:
            listed = [known_cases()[name] for name in chosen]
            if as_json:
                heads = [{"case": one.name, "limit": one.limit, "title": one.title} for one in listed]
                click.echo(json.dumps(heads, indent=2))
            for one in () if as_json else listed:
                click.echo(f"{one.name}  {one.limit}: {one.title}")
            return
        if not is_compiled():
            with show_compiling(quiet):
                simulate(bare_scenario(), households=1)
        with show_progress(quiet) as progress:
            rows = run_cases(chosen, workers or default_workers(), progress)
        failed = [row for row in rows if not row.ok]
        if as_json:
            click.echo(json.dumps(records_of_rows(rows), indent=2))
        elif failed or not quiet:
            click.echo(table_of_rows(failed if quiet else rows).as_text(WIDTH))
    if failed:
        raise SystemExit(CHECK_FAILED)
