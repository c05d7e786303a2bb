"""The command ``cbhi``: prints and exit codes, nothing else.

Each command stands in a module of its own, loaded when it is called, and everything heavy is imported inside
the commands, so that ``cbhi --help`` answers at once.
"""

from __future__ import annotations

import importlib

import click

_COMMANDS = {
    "run": ("run", "Simulate a scenario and write the results."),
    "compare": ("compare", "Compare scenarios on the same random numbers."),
    "solve": ("solve", "Find the value at which a goal is just met."),
    "calibrate": ("calibrate", "Fit parameters to published figures, with all doubt that is left."),
    "predict": ("predict", "Predict the years after a scenario's own."),
    "household": ("household", "Follow one family month by month."),
    "list": ("listing", "List the shipped scenarios."),
    "check": ("check", "Check scenario files and say what is wrong."),
    "diff": ("diff", "Print what two scenarios say differently."),
    "show": ("show", "Say what a parameter or a result is."),
    "new": ("new", "Write a scenario file to start from."),
    "schema": ("schema", "Print the JSON Schema of scenario files."),
    "verify": ("verify", "Compare the engine with theory, limit by limit."),
    "selftest": ("selftest", "Check this installation."),
}
"""Name to module of this package, which holds ``command``, and the line in the help."""


class _Lazy(click.Group):
    """A group that imports a command's module only to run it or to print its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"cbhi.cli.{_COMMANDS[cmd_name][0]}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command called, or say which name is near."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            # the commands themselves are not loaded, so their names are given here
            raise click.NoSuchCommand(args[0], possibilities=list(_COMMANDS), ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  cbhi run rwanda",
)
@click.version_option(package_name="cbhi")
def main() -> None:
    """Simulate community-based health insurance, household by household."""
