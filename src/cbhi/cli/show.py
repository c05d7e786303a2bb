"""The command ``cbhi show``."""

from __future__ import annotations

import click

from cbhi.cli.errors import errors


@click.command()
@click.argument("key", default="")
@click.argument("scenario", default="rwanda")
def command(key: str, scenario: str) -> None:
    """Say what a parameter or a result is: unit, range, source, and its value over time.

    KEY is a parameter such as care.copayment_rwf, a section such as care, a part of a name, or a variable of
    the results; without it, all sections are listed. Values are those of SCENARIO, a name that `cbhi list`
    prints or a TOML file; rwanda where none is given.

    \b
    Examples:
      cbhi show
      cbhi show loans
      cbhi show scheme.premium_rwf.rich mine.toml
      cbhi show coverage_share
      cbhi show results
    """
    with errors():
        from cbhi.scenarios import scenario as find
        from cbhi.scenarios.descriptions import describe

        text = describe(key, find(scenario)).as_text()
    click.echo(text)
