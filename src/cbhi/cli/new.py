"""The command ``cbhi new``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cbhi.cli.errors import errors

SCHEMA = "cbhi.schema.json"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from", "base", default="rwanda", show_default=True, metavar="NAME", help="Scenario to start from."
)
@click.option("--name", metavar="TEXT", help="What tables call it.  [default: from the file's name]")
def command(file: Path, base: str, name: str | None) -> None:
    """Write a scenario FILE that starts from another scenario.

    It says its base and its name; the keys most often changed stand commented out, with value, unit and
    range. A file that is there already is not touched.

    \b
    Examples:
      cbhi new mine.toml
      cbhi new mine.toml --from rwanda-rules --name "Premiums doubled"
    """
    with errors():
        from cbhi.scenarios import scenario
        from cbhi.scenarios.templates import scenario_template

        if file.suffix != ".toml" or not file.stem:
            raise ValueError(f"a scenario file ends in .toml; write {file.name or 'mine'}.toml")
        if file.exists():
            raise ValueError(f"'{file}' is there already and is not overwritten; choose another name")
        if name is not None and (not name.strip() or not name.isprintable()):
            raise ValueError("--name needs a text on one line")
        chosen = scenario(base)
        base_name = base
        if base.endswith(".toml"):
            # a base is looked for beside the file that names it
            base_name = Path(os.path.relpath(base, file.parent)).as_posix()
        title = name or file.stem.replace("-", " ").replace("_", " ").strip() or file.stem
        schema = SCHEMA if (file.parent / SCHEMA).is_file() else None
        write_new(file, scenario_template(chosen, base_name, title, schema))
    click.echo(f"written to {file}; check it with: cbhi check {file}")


def write_new(file: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    ValueError
        When its folder is not there.
    """
    if not file.parent.is_dir():
        raise ValueError(f"there is no folder '{file.parent}'")
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
