"""The command ``cbhi diff``."""

from __future__ import annotations

import json

import click

from cbhi.cli.errors import errors


@click.command()
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON and nothing else.")
@click.option("--no-sources", is_flag=True, help="Do not say where the values come from.")
def command(one: str, other: str, as_json: bool, no_sources: bool) -> None:
    """Print what two scenarios say differently: values at the start, events, and their sources.

    A and B are names that `cbhi list` prints, or TOML files. The exit code is 0 whether they differ or not.

    \b
    Examples:
      cbhi diff rwanda-rules rwanda
      cbhi diff rwanda mine.toml --json
    """
    with errors():
        from cbhi.scenarios import scenario
        from cbhi.scenarios.diff import as_records, difference_table, differences

        a, b = scenario(one), scenario(other)
        if as_json:
            content = {"scenarios": [a.name, b.name], "differences": as_records(differences(a, b))}
            text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        else:
            text = difference_table(a, b, sources=not no_sources).as_text()
    click.echo(text)
