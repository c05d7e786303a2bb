"""Options that several commands share, and the scenario that they ask for."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from cbhi.scenarios import Scenario
    from cbhi.scenarios.changes import Problem

Command = TypeVar("Command", bound=Callable[..., Any])


class Households(click.ParamType[int | str]):
    """A number of households, or all of the country."""

    name = "N|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or the word ``all``."""
        if value == "all":
            return "all"
        text = str(value).replace("_", "")
        if not re.fullmatch(r"\d+", text) or not 1 <= int(text) <= 10_000_000:
            self.fail(f"{value!r} is not a whole number from 1 to 10000000, or 'all'", param, ctx)
        return int(text)


class WholeNumber(click.ParamType[int]):
    """A whole number within a range."""

    name = "N"

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; underscores may part its digits."""
        text = str(value).replace("_", "")
        if not re.fullmatch(r"[+-]?\d+", text) or not self.low <= int(text) <= self.high:
            self.fail(f"{value!r} is not a whole number from {self.low} to {self.high}", param, ctx)
        return int(text)


def default_workers() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(256, len(os.sched_getaffinity(0)))
    return min(256, os.cpu_count() or 1)


def choose(name: str, changes: tuple[str, ...], until: str | None, at_point: bool = False) -> Scenario:
    """Return the scenario asked for, with the changes asked for; ``at_point`` leaves its sets out."""
    from cbhi.scenarios import ScenarioError, scenario

    chosen = scenario(name)
    if at_point:
        chosen = chosen.at_point()
    values = parse_changes(changes)
    if not values and until is None:
        return chosen
    try:
        return chosen.replace(values, end=until)
    except ScenarioError as error:
        problems = [_of_option(problem, values, changes, until) for problem in error.details]
        raise ScenarioError("the command line", problems) from None


def _of_option(problem: Problem, values: dict[str, Any], changes: tuple[str, ...], until: str | None) -> str:
    """Return a problem with the option that it comes from."""
    given = {
        key: text for key, text in zip(values, changes, strict=True) if _is_about(problem, key)
    }  # in the order given, as the values are
    if given:
        return f"{' '.join(f'--set {text}' for text in given.values())}: {problem}"
    if until is not None and problem.path == ("end",):
        return f"--until {until}: {problem.text.removeprefix('end: ')}"
    return f"--until {until}: {problem}" if until is not None and not problem.keys else str(problem)


def _is_about(problem: Problem, key: str) -> bool:
    """Say whether a problem is about a key or a group of keys that was given."""
    if problem.path:
        return problem.path[0] == key
    return any(one == key or one.startswith(f"{key}.") for one in problem.keys)


def parse_changes(changes: tuple[str, ...]) -> dict[str, Any]:
    """Return key to value of ``KEY=VALUE`` texts; a value that is not TOML is a text."""
    from cbhi.scenarios import ScenarioError

    values: dict[str, Any] = {}
    problems = []
    for change in changes:
        key, equals, text = (part.strip() for part in change.partition("="))
        if not equals or not key or not text:
            problems.append(f"--set {change}: write KEY=VALUE, such as --set care.copayment_rwf=0")
            continue
        if key in values:
            problems.append(f"--set {key} is given twice")
            continue
        try:
            parsed = tomllib.loads(f"x = {text}")
        except tomllib.TOMLDecodeError:
            parsed = {}
        values[key] = parsed["x"] if list(parsed) == ["x"] else text
    if problems:
        raise ScenarioError("the command line", problems)
    return values


# as quick as 10 replicates of 20,000, with ten sets
HOUSEHOLDS_WITH_SETS, REPLICATES_WITH_SETS = 10_000, 20


def sizes(
    households: int = 20_000, replicates: int = 10, with_sets: bool = False
) -> Callable[[Command], Command]:
    """Give a command ``--households``, ``--replicates``, ``--seed`` and ``--workers``.

    ``with_sets`` says that other defaults hold for scenarios with parameter sets (``default_sizes``).
    """
    shown: tuple[bool | str, bool | str] = (True, True)
    if with_sets:
        shown = (
            f"{households}; {HOUSEHOLDS_WITH_SETS} with parameter sets",
            f"{replicates}; {REPLICATES_WITH_SETS} with parameter sets",
        )
    options = (
        click.option(
            "--households",
            type=Households(),
            metavar="N|all",
            default=households,
            show_default=shown[0],
            help="Households at the start.",
        ),
        click.option(
            "--replicates",
            type=WholeNumber(1, 100_000),
            metavar="N",
            default=replicates,
            show_default=shown[1],
            help="Runs with their own draws; from them come the bands.",
        ),
        click.option(
            "--seed",
            type=WholeNumber(0, 2**63 - 1),
            metavar="N",
            default=1,
            show_default=True,
            help="Of the draws.",
        ),
        click.option(
            "--workers",
            type=WholeNumber(1, 256),
            metavar="N",
            help="Threads over replicates.  [default: all processors]",
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def default_sizes(chosen: Scenario, households: int | str, replicates: int) -> tuple[int | str, int]:
    """Return households and replicates, those not asked for as they suit a scenario with sets or without."""
    if not chosen.is_uncertain:
        return households, replicates
    context = click.get_current_context()

    def is_open(name: str) -> bool:
        return context.get_parameter_source(name) is click.core.ParameterSource.DEFAULT

    return (
        HOUSEHOLDS_WITH_SETS if is_open("households") else households,
        REPLICATES_WITH_SETS if is_open("replicates") else replicates,
    )


def tolerance(until: str) -> Callable[[Command], Command]:
    """Give a command ``--tol``, ``--in`` and ``--max-replicates``; ``until`` says when it is met."""
    options = (
        click.option("--tol", type=float, metavar="X", help=f"Add replicates until {until}."),
        click.option(
            "--in", "period", metavar="YEAR", help="Year that --tol is about.  [default: last complete]"
        ),
        click.option(
            "--max-replicates", type=WholeNumber(2, 100_000), metavar="N", default=200, show_default=True,
            help="Most replicates with --tol.",
        ),
    )  # fmt: skip

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def point(command: Command) -> Command:
    """Give a command ``--point``."""
    return click.option(
        "--point", "at_point", is_flag=True,
        help="Use the scenario's own values only, without its parameter sets.",
    )(command)  # fmt: skip


def overrides(command: Command) -> Command:
    """Give a command ``--set`` and ``--until``."""
    command = click.option(
        "--until", metavar="YYYY-MM", help="Last month, earlier or later than the scenario's."
    )(command)
    return click.option(
        "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a parameter for the whole run."
    )(command)
