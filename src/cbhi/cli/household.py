"""The command ``cbhi household``."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cbhi.cli.errors import errors
from cbhi.cli.folder import claim
from cbhi.cli.options import Households, choose, overrides
from cbhi.cli.progress import is_compiled, show_compiling, show_progress

if TYPE_CHECKING:
    from cbhi.family import Family


@click.command()
@click.argument("scenario", default="rwanda")
@click.option("--quintile", type=click.IntRange(1, 5), metavar="N", help="Of consumption, 1 the poorest.")
@click.option("--category", type=click.Choice(["poorest", "middle", "rich"]), help="Poverty category.")
@click.option("--size", type=click.IntRange(1, 12), metavar="N", help="Members.")
@click.option("--chronic/--no-chronic", default=None, help="With a chronically ill member, or without.")
@click.option("--in-group/--no-group", default=None, help="In an association, or in none.")
@click.option(
    "--find", multiple=True, metavar="EVENT",
    help="What is to happen to it; repeatable, for all of them.",
)  # fmt: skip
@click.option("--section", type=int, metavar="S", help="Number of its section, from 1.")
@click.option("--number", type=int, metavar="N", help="Its number within the section, from 0.")
@click.option("--from", "first", metavar="YYYY-MM", help="First month of the account.")
@click.option("--to", "last", metavar="YYYY-MM", help="Last month of the account.")
@click.option("--all", "everything", is_flag=True, help="Print also months in which nothing happens.")
@click.option(
    "--households", type=Households(), metavar="N|all", default=2_000, show_default=True,
    help="Households at the start.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", default=1, show_default=True,
    help="Of the draws.",
)  # fmt: skip
@click.option(
    "--replicate", type=click.IntRange(0, 2**31 - 1), metavar="N", default=0, show_default=True,
    help="Number of the replicate.",
)  # fmt: skip
@overrides
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="Folder for the account and its tables.  [default: none is written]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no account.")
def command(
    scenario: str,
    quintile: int | None,
    category: str | None,
    size: int | None,
    chronic: bool | None,
    in_group: bool | None,
    find: tuple[str, ...],
    section: int | None,
    number: int | None,
    first: str | None,
    last: str | None,
    everything: bool,
    households: int | str,
    seed: int,
    replicate: int,
    changes: tuple[str, ...],
    until: str | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Follow one family of SCENARIO month by month: money, illness, cover, and why it decided as it did.

    SCENARIO is a name that `cbhi list` prints, or a TOML file. The first family that fits is taken; when
    nothing is asked for, one that renews cover, lets it lapse and lives to the end. Amounts are its own
    francs.

    EVENT is joins, renews, lapses, stays-out, cannot-pay, subsidised, group-pays, borrows, refused (a loan),
    defaults, fined, admitted, turned-away, unpaid-care or dissolves.

    \b
    Examples:
      cbhi household rwanda --quintile 1 --find subsidised
      cbhi household rwanda --find borrows --from 2006-01 --to 2008-12
      cbhi household mine.toml --section 26 --number 17 -o out/family
    """
    with errors(households) as outcome:
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        chosen = choose(scenario, changes, until)
        from cbhi.family import check_request, household
        from cbhi.simulation import simulate

        asked = {
            "quintile": quintile, "category": category, "size": size, "chronic": chronic,
            "in_group": in_group,
        }  # fmt: skip
        pick = {name: value for name, value in asked.items() if value is not None}
        # everything that is wrong with the question is said before anything is compiled or written
        check_request(chosen, households, pick, find, section, number, first, last)
        with claim(output) if output is not None else contextlib.nullcontext():
            if not is_compiled():
                with show_compiling(quiet):
                    simulate(chosen, households=1)
            with show_progress(quiet) as progress:
                family = household(
                    chosen,
                    households=households,
                    seed=seed,
                    replicate=replicate,
                    pick=pick,
                    find=find,
                    section=section,
                    number=number,
                    progress=progress,
                )
            text = "" if quiet or as_json else _account(family, first, last, everything)
            if output is not None:
                with outcome.writing(output):
                    family.save(output)
    if as_json:
        click.echo(json.dumps(family.as_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    elif not quiet:
        click.echo(text)
        if output is not None:
            click.echo(f"\nwritten to {output}")


def _account(family: Family, first: str | None, last: str | None, everything: bool) -> str:
    """Return who the family is, its account and its decisions."""
    parts = [family.summary().as_text(), family.story(first, last, everything=everything)]
    parts += [table.as_text() for table in family.decisions(first, last) if table.rows]
    return "\n\n".join(parts)
