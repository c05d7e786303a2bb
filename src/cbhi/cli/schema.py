"""The command ``cbhi schema``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cbhi.cli.errors import errors


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead.")
def command(output: Path | None) -> None:
    """Print the JSON Schema of scenario files, with which an editor completes and checks them.

    Written as cbhi.schema.json beside your files, it is named in the first line of those that `cbhi new`
    writes there, which editors with TOML support (Taplo, Even Better TOML) read.

    \b
    Examples:
      cbhi schema -o cbhi.schema.json
    """
    with errors():
        from cbhi.cli.new import write_new
        from cbhi.scenarios.schema import scenario_schema

        text = json.dumps(scenario_schema(), indent=1, ensure_ascii=False, allow_nan=False)
        if output is not None:
            write_new(output, text + "\n")
    click.echo(text if output is None else f"written to {output}")
