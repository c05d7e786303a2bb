"""The command ``cbhi list``."""

from __future__ import annotations

import tomllib

import click

from cbhi.cli.errors import errors


@click.command()
def command() -> None:
    """List the shipped scenarios."""
    with errors():
        from cbhi.months import format_month
        from cbhi.scenarios import scenario, scenario_names, scenarios_dir

        rows = []
        for name in scenario_names():
            head = tomllib.loads((scenarios_dir() / f"{name}.toml").read_text(encoding="utf-8"))
            known = scenario(name)
            span = f"{format_month(known.start)} to {format_month(known.end)}"
            sets = "" if known.sets is None else f"; {len(known.sets)} parameter sets"
            rows.append((name, span, str(head.get("about", known.name)) + sets))
        width = max(len(name) for name, _, _ in rows)
        for name, span, about in rows:
            click.echo(f"{name:<{width}}  {span}  {about}")
