"""The command ``cbhi``: prints and exit codes, nothing else.

Everything heavy is imported inside the commands, so that ``cbhi --help`` answers at once.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import re
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from cbhi.results import Results
    from cbhi.scenarios import Scenario

CHECK_FAILED, BAD_INPUT, MISSING_PACKAGE, INTERRUPTED = 1, 2, 3, 130
LOCK = ".running"
COMPILING = "compiling the engine, once; one to two minutes"
# which extra of the package brings an optional module
_EXTRAS = {"matplotlib": "plot", "pyarrow": "io", "openpyxl": "io"}
_SUMMARY = (
    "coverage_end_share",
    "coverage_share",
    "coverage_administrative_share",
    "any_insurance_share",
    "visits_per_person_year",
    "contributions_rwf",
    "subsidies_rwf",
    "claims_paid_rwf",
    "administration_rwf",
    "reserves_rwf",
    "catastrophic_share",
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  cbhi run rwanda",
)
@click.version_option(package_name="cbhi")
def main() -> None:
    """Simulate community-based health insurance, household by household."""


class _Households(click.ParamType[int | str]):
    name = "N|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "all":
            return "all"
        text = str(value).replace("_", "")
        if not re.fullmatch(r"\d+", text) or not 1 <= int(text) <= 10_000_000:
            self.fail(f"{value!r} is not a whole number from 1 to 10000000, or 'all'", param, ctx)
        return int(text)


def _workers() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(256, len(os.sched_getaffinity(0)))
    return min(256, os.cpu_count() or 1)


@main.command()
@click.argument("scenario")
@click.option(
    "--households",
    type=_Households(),
    metavar="N|all",
    default=20_000,
    show_default=True,
    help="Households at the start.",
)
@click.option(
    "--replicates",
    type=click.IntRange(1, 100_000),
    metavar="N",
    default=10,
    show_default=True,
    help="Runs with their own draws; from them come the bands.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    metavar="N",
    default=1,
    show_default=True,
    help="Of the draws.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Threads over replicates.  [default: all processors]",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a parameter for the whole run."
)
@click.option("--until", metavar="YYYY-MM", help="Last month, earlier or later than the scenario's.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder of the results.  [default: out/NAME]"
)
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no table.")
def run(
    scenario: str,
    households: int | str,
    replicates: int,
    seed: int,
    workers: int | None,
    changes: tuple[str, ...],
    until: str | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Simulate SCENARIO and write the results.

    SCENARIO is a name that `cbhi list` prints, or a TOML file.

    \b
    Examples:
      cbhi run rwanda
      cbhi run rwanda --set care.copayment_rwf=0 --until 2018-06
      cbhi run my-scheme.toml --replicates 100 -o results/my-scheme
    """
    began = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    stopped = False
    with _errors(households):
        chosen = _choose(scenario, changes, until)
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        folder = output if output is not None else _default_folder(chosen, until)
        with _claim(folder):
            from cbhi import Interrupted, simulate

            if not _is_compiled():
                if not quiet:
                    click.echo(COMPILING, err=True)
                # in this thread, which Ctrl-C stops at once
                simulate(chosen, households=1)
            try:
                with _progress(quiet) as progress:
                    results = simulate(
                        chosen,
                        households=households,
                        replicates=replicates,
                        seed=seed,
                        workers=workers or _workers(),
                        progress=progress,
                    )
            except Interrupted as interruption:
                if interruption.results is None:
                    raise
                results, stopped = interruption.results, True
                if (folder / "run.json").exists():
                    # what an earlier run finished is worth more than a part of this one
                    folder = folder.with_name(f"{folder.name}-interrupted")
            record = {
                "started": started,
                "wall_seconds": round(time.monotonic() - began, 3),
                "replicates_asked": replicates,
                "interrupted": stopped,
            }
            from cbhi.saving import save_results

            save_results(results, folder, record=record)
    if as_json:
        click.echo(_summary(results, folder, record))
    elif not quiet:
        _print_results(results, folder, record)
    if stopped:
        click.echo(
            f"interrupted: the {results.n_replicates} finished of {replicates} replicates are in {folder};"
            " the same command starts again from the first",
            err=True,
        )
        raise SystemExit(INTERRUPTED)


@main.command("list")
def list_scenarios() -> None:
    """List the shipped scenarios."""
    with _errors():
        from cbhi.months import format_month
        from cbhi.scenarios import scenario, scenario_names, scenarios_dir

        rows = []
        for name in scenario_names():
            head = tomllib.loads((scenarios_dir() / f"{name}.toml").read_text(encoding="utf-8"))
            known = scenario(name)
            span = f"{format_month(known.start)} to {format_month(known.end)}"
            rows.append((name, span, str(head.get("about", known.name))))
        width = max(len(name) for name, _, _ in rows)
        for name, span, about in rows:
            click.echo(f"{name:<{width}}  {span}  {about}")


@main.command(short_help="Check this installation.")
def selftest() -> None:
    """Check this installation: draws, accounts, membership, and the same result at 1 and 2 workers."""
    failed = 0
    results: list[Results] = []
    tests: tuple[tuple[str, Callable[[], None]], ...] = (
        ("random draws equal the published vectors", _test_draws),
        ("a small run works", lambda: results.append(_small_run(1))),
        ("money and members balance in every month", lambda: _test_identities(results)),
        ("1 and 2 workers give the same numbers", lambda: _test_workers(results)),
        ("every shipped scenario can be read", _test_scenarios),
    )
    with _errors():
        if not _is_compiled():
            click.echo(COMPILING, err=True)
        for title, test in tests:
            try:
                test()
            except Exception as error:  # whatever is wrong with the installation is what this reports
                failed += 1
                click.echo(f"{title}: FAILED ({type(error).__name__}: {error})")
            else:
                click.echo(f"{title}: ok")
    if failed:
        click.echo(f"{failed} of {len(tests)} failed")
        raise SystemExit(CHECK_FAILED)


# --- what to run -------------------------------------------------------------------------------------


def _choose(name: str, changes: tuple[str, ...], until: str | None) -> Scenario:
    """Return the scenario asked for, with the changes asked for."""
    from cbhi.scenarios import scenario

    chosen = scenario(name)
    values = _parse_changes(changes)
    if values or until is not None:
        chosen = chosen.replace(values, end=until)
    return chosen


def _parse_changes(changes: tuple[str, ...]) -> dict[str, Any]:
    """Return key to value of ``KEY=VALUE`` texts; a value that is not TOML is a text."""
    values: dict[str, Any] = {}
    for change in changes:
        key, equals, text = (part.strip() for part in change.partition("="))
        if not equals or not key or not text:
            raise ValueError(f"--set {change}: write KEY=VALUE, such as --set care.copayment_rwf=0")
        if key in values:
            raise ValueError(f"--set {key} is given twice")
        try:
            parsed = tomllib.loads(f"x = {text}")
        except tomllib.TOMLDecodeError:
            parsed = {}
        values[key] = parsed["x"] if list(parsed) == ["x"] else text
    return values


def _default_folder(chosen: Scenario, until: str | None) -> Path:
    words = re.sub(r"[^a-z0-9]+", "-", chosen.name.lower()).strip("-") or "results"
    return Path("out") / (words[:80].strip("-") + (f"-to-{until}" if until else ""))


# --- errors and the folder ---------------------------------------------------------------------------


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)


@contextlib.contextmanager
def _errors(households: int | str = 0) -> Iterator[None]:
    """Turn what a user can mend into one message and an exit code; everything else keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        _fail("interrupted: nothing was written", INTERRUPTED)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        _fail(f"error: {error.name} is not installed; pip install 'cbhi[{extra}]'", MISSING_PACKAGE)
    except ValueError as error:
        _fail(f"error: {error}", BAD_INPUT)
    except OSError as error:
        where = f": '{error.filename}'" if error.filename else ""
        _fail(f"error: {error.strerror or error}{where}", BAD_INPUT)
    except MemoryError:
        _fail(f"error: {households} households do not fit into memory; ask for fewer", BAD_INPUT)


@contextlib.contextmanager
def _claim(folder: Path) -> Iterator[None]:
    """Make the folder and keep other runs out of it; leave no empty folder behind."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"'{folder}' is a file; results need a folder")
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    lock = folder / LOCK
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _take(lock)
        except FileExistsError:
            raise ValueError(
                f"another run is writing to '{folder}'; choose another folder with -o, or delete '{lock}'"
                " if no run is under way"
            ) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise ValueError(f"results cannot be written to '{folder}': {reason}") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
    finally:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()  # refuses where something was written


def _take(lock: Path) -> None:
    """Write this process into the lock file; replace a lock whose process is gone."""
    for _ in range(2):
        try:
            handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            if _is_held(lock):
                raise
            lock.unlink(missing_ok=True)
            continue
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {platform.node()}\n")
        return
    raise FileExistsError(lock)


def _is_held(lock: Path) -> bool:
    """Say whether the process named in the lock may still run; when in doubt, yes."""
    try:
        number, host = lock.read_text(encoding="ascii").rstrip("\n").split(" ", 1)
        pid = int(number)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    if os.name != "posix" or host != platform.node():
        return True
    if pid == os.getpid():
        return False  # a number used again: this process has not taken the lock
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


# --- progress, on standard error ---------------------------------------------------------------------


def _is_compiled() -> bool:
    """Say whether the first call of the engine will find it compiled, or needs no compiler."""
    from cbhi.kernels.compiling import CACHE_FOLDER as folder
    from cbhi.kernels.month import run_months

    if not hasattr(run_months, "py_func"):
        return True  # the compiler is off
    # the loop over the months is compiled last, so its file says that all is there
    return folder is not None and any(Path(folder).rglob("month.run_months-*.nbi"))


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that shows (months done, months in all): a bar on a terminal, else lines."""
    if quiet:
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal and "NO_COLOR" not in os.environ:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("simulating"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("simulating", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    told = -math.inf
    first: tuple[float, int] | None = None

    def tell(done: int, total: int) -> None:
        nonlocal told, first
        now = time.monotonic()
        first = first or (now, done)
        if now - told < 2.0 and done < total:
            return
        told = now
        left = ""
        if first[1] < done < total:
            left = f", {_duration((now - first[0]) * (total - done) / (done - first[1]))} left"
        click.echo(f"simulating: {100 * done // total} %{left}", err=True)

    yield tell


def _duration(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 100 else f"{math.ceil(whole / 60)} min"


# --- results, on standard output ---------------------------------------------------------------------


def _print_results(results: Results, folder: Path, record: dict[str, Any]) -> None:
    from cbhi.accounts import format_partners
    from cbhi.published import format_published, format_yearly

    click.echo(format_published(results) if results.scenario.country else format_yearly(results))
    click.echo()
    click.echo(format_partners(results))
    click.echo()
    click.echo(f"written to {folder} in {_duration(record['wall_seconds'])}: {', '.join(_written(folder))}")
    picture = json.loads((folder / "run.json").read_text(encoding="utf-8"))["picture"]
    if not (folder / picture).is_file():
        click.echo(f"picture {picture}")


def _written(folder: Path) -> list[str]:
    from cbhi.saving import FILES

    return [file for file in FILES if (folder / file).is_file()]


def _number(value: Any) -> Any:
    """Return a plain value for JSON: missing and not-a-number become null."""
    import pandas as pd

    return None if pd.isna(value) else value


def _summary(results: Results, folder: Path, record: dict[str, Any]) -> str:
    """Return the results of a run as one JSON text."""
    import numpy as np

    from cbhi.months import format_month
    from cbhi.published import published_table
    from cbhi.variables import VARIABLES

    labels = [label for label, _, _ in results.periods]
    yearly = []
    for name in _SUMMARY:
        values = results.values(name)[..., 0]
        for label, column in zip(labels, values.T, strict=True):
            known = column[~np.isnan(column)]
            spread = np.quantile(known, (0.5, 0.05, 0.95)).tolist() if known.size else [None] * 3
            yearly.append(
                {
                    "period": label,
                    "variable": name,
                    "unit": VARIABLES[name].unit,
                    **dict(zip(("median", "p05", "p95"), spread, strict=True)),
                }
            )
    content: dict[str, Any] = {
        "scenario": results.scenario.name,
        "fingerprint": results.scenario.fingerprint(),
        "start": format_month(results.scenario.start),
        "end": format_month(results.scenario.end),
        "seed": results.seed,
        "households": results.households,
        "replicates": results.n_replicates,
        **record,
        "output": str(folder),
        "files": _written(folder),
        "yearly": yearly,
        "published": None,
    }
    if results.scenario.country:
        rows = published_table(results).astype(object).to_dict("records")
        rows = [{str(key): _number(value) for key, value in row.items()} for row in rows]
        fitted = [row for row in rows if row["use"] == "fit"]
        content["published"] = {
            "fitted": len(fitted),
            "fitted_within_2_sd": sum(row["within_2_sd"] is True for row in fitted),
            "misses": [row["key"] for row in fitted if row["within_2_sd"] is not True],
            "rows": rows,
        }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)


# --- the self-test -----------------------------------------------------------------------------------

# Random123, kat_vectors: philox4x32, 10 rounds: counter, key, result
_PHILOX = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


def _test_draws() -> None:
    from cbhi.kernels.draws import philox

    for counter, key, expected in _PHILOX:
        got = tuple(int(word) for word in philox(*counter, *key))
        if got != expected:
            raise ValueError(f"counter {counter} gave {got}, not {expected}")


def _small_run(workers: int) -> Results:
    from cbhi import scenario, simulate

    chosen = scenario("rwanda-rules").replace({}, end="2008-12")
    return simulate(chosen, households=500, replicates=2, seed=7, workers=workers)


def _test_identities(results: list[Results]) -> None:
    from cbhi.checks import check_all

    check_all(results[0])


def _test_workers(results: list[Results]) -> None:
    import numpy as np

    for name, one, two in zip(
        results[0].arrays._fields, results[0].arrays, _small_run(2).arrays, strict=True
    ):
        if not np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
            raise ValueError(f"'{name}' differs")


def _test_scenarios() -> None:
    from cbhi.scenarios import scenario, scenario_names

    for name in scenario_names():
        scenario(name)


if __name__ == "__main__":
    sys.exit(main())
