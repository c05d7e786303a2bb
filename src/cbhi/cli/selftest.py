"""The command ``cbhi selftest``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cbhi.cli.errors import CHECK_FAILED, errors
from cbhi.cli.progress import COMPILING, is_compiled

if TYPE_CHECKING:
    from cbhi.results import Results


@click.command()
def command() -> None:
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
    with errors():
        if not is_compiled():
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
