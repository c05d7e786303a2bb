"""One reduced model in cbhi and in what people would use instead, timed in turn: python benchmarks/peers

Prints, for each peer, the ratio of its time to that of cbhi for the same simulated years and for one step of
each (a year of a yearly peer, a month of cbhi), with the spread over rounds, and whether both computed the
same thing. The programs of the peers are ours, written as their documentation teaches. One thread each. A
peer whose package is not installed is left out. The exit code is 1 where programs disagree; a missed target
is shown and is no error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

# before anything imports Numba
os.environ["NUMBA_NUM_THREADS"] = "1"
sys.path[0] = str(Path(__file__).resolve().parents[1])

from peers.definition import Rules  # noqa: E402
from peers.page import fill_in  # noqa: E402
from peers.timing import PEERS, Comparison, compare_in_turn, load_peers  # noqa: E402

FULL = {"numpy": 200_000, "laser": 200_000, "numpy-monthly": 200_000, "starsim": 20_000, "mesa": 2_000}
QUICK = {"numpy": 20_000, "laser": 20_000, "numpy-monthly": 20_000, "starsim": 4_000, "mesa": 2_000}


def print_table(found: list[Comparison]) -> None:
    """Print a line a peer, and why a target is missed."""
    print(
        f"\n{'peer':20s} {'N':>8s} {'ns/hh-year':>11s} {'cbhi':>7s} {'ratio':>8s} {'(spread)':>17s}"
        f" {'must':>6s} {'aim':>6s} {'a step':>8s}  same figures"
    )
    for c in found:
        row = c.as_dict()
        must, aim = (f"{x:g}" if x is not None else "-" for x in (c.peer.must, c.peer.aim))
        spread = f"({c.spread[0]:.3g} - {c.spread[1]:.3g})"
        apart = row["furthest_apart"]
        print(
            f"{c.peer.title:20s} {c.households:8,d} {row['peer_ns_per_household_year']:11,.0f}"
            f" {row['cbhi_ns_per_household_year']:7,.0f} {c.ratio:8.3g} {spread:>17s} {must:>6s} {aim:>6s}"
            f" {c.ratio_per_step:8.3g}  {'yes' if c.agrees else 'NO'}: {apart['name']}"
            f" {apart['standard_errors']:+.1f} s.e. at most"
        )
    for c in found:
        if c.peer.must is not None:
            verdict = f"missed: {c.cause}" if c.cause else "met"
            print(f"{c.peer.title}: {c.ratio:.3g} against at least {c.peer.must:g}, {verdict}")


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(
        prog="benchmarks/peers", description=(__doc__ or "").splitlines()[0].partition(":")[0]
    )
    parser.add_argument("--quick", action="store_true", help="fewer households: within a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all figures")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the table into a page, docs/peers.md")
    parser.add_argument("--rounds", type=int, default=5, help="at least 2; 5 if not given")
    parser.add_argument("--households", type=int, metavar="N", help="instead of each peer's own number")
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error(f"--rounds must be at least 2, got {arguments.rounds}")
    rules = Rules(years=arguments.years)
    sizes = QUICK if arguments.quick else FULL
    if arguments.households is not None:
        sizes = dict.fromkeys(sizes, arguments.households)
    modules, missing = load_peers(arguments.peers)
    for line in missing:
        print(line)
    found: dict[str, Comparison] = {}
    for households in sorted({sizes[name] for name in modules}):
        group = {name: module for name, module in modules.items() if sizes[name] == households}
        found.update(compare_in_turn(group, households, rules, arguments.rounds, print))
    table = [found[name] for name in PEERS if name in found]
    print_table(table)
    saved = [c.as_dict() for c in table]
    if arguments.page:
        fill_in(arguments.page, saved)
    if arguments.json:
        content = {"targets": saved, "left_out": missing}
        arguments.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0 if all(c.agrees for c in table) else 1


if __name__ == "__main__":
    sys.exit(main())
