"""The command ``cbhi check``."""

from __future__ import annotations

import click

from cbhi.cli.errors import BAD_INPUT, errors


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-q", "--quiet", is_flag=True, help="Print problems only.")
def command(files: tuple[str, ...], quiet: bool) -> None:
    """Check scenario files and say everything that is wrong with them.

    Each FILE is a TOML file, or a name that `cbhi list` prints. A file that can be run is said to be ok, with
    notes on options that can have no effect. Exit code 2 when any has a problem.

    \b
    Examples:
      cbhi check mine.toml
      cbhi check scenarios/*.toml
    """
    failed = False
    for name in files:
        try:
            with errors():
                lines = _checked(name)
        except SystemExit:
            failed = True
            continue
        if not quiet:
            for line in lines:
                click.echo(line)
    if failed:
        raise SystemExit(BAD_INPUT)


def _checked(name: str) -> list[str]:
    """Return what is said of a scenario without problems."""
    from cbhi.scenarios import base_of, scenario
    from cbhi.scenarios.diff import differences
    from cbhi.scenarios.notes import notes, undone_events

    chosen = scenario(name)
    base_name, base = base_of(name)
    found = differences(base, chosen)
    n_start = sum(d.month == "start" for d in found)
    n_later = sum(d.month != "start" and d.values[0] != d.values[1] for d in found)
    head = f"{name}: ok, the same as {base_name}"
    if found:
        values = "1 value" if n_start == 1 else f"{n_start} values"
        changes = "1 later change" if n_later == 1 else f"{n_later} later changes"
        head = f"{name}: ok, differs from {base_name} in {values} at the start and {changes}"
    if chosen.sets is not None:
        head += f"; {len(chosen.sets)} parameter sets of {len(chosen.sets.keys)} parameters"
        for number in range(len(chosen.sets)):
            chosen.of_set(number)  # whether its values go together with the others
    # what the base is told already is no news about this file
    known = notes(base)
    said = [note for note in notes(chosen) if note not in known] + undone_events(base, chosen)
    return [head, *(f"{name}: note: {note}" for note in said)]
