"""What each pass of a month costs: python benchmarks/passes.py [--json] [--page docs/performance.md]

A copy of the package is made in which a counter of processor cycles stands around every event of a section's
month and every pass of its start (found by reading the sources, so that none is forgotten), and Rwanda is run
in it. Nothing of this is in the package itself. Cycles are turned into nanoseconds by the clock of the same
run. Beside each pass stand the bytes of the household's and its members' fields that the code below it names,
which is the most that it can move, and the decisions that it draws.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import ROOT, machine, put_between

PACKAGE = ROOT / "src" / "cbhi"
# functions whose statements are timed one by one, and what is timed inside them
TIMED = {"month.py": ("month_of_section", "run_months"), "start.py": ("live_in_block", "start_of_month")}
WITHIN = {"live_in_block", "start_of_month"}
# whose parts are timed one by one
WRAPPERS = {"run_sections", "live_in_block"}
COUNTERS = 96

CLOCK = '''"""Counters of processor cycles, for benchmarks."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def cycles(typing_context):
    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", fnty=kind), [])

    return types.int64(), generate
'''

RUN = """
import json, sys, time
import cbhi
from cbhi.kernels import codes
from cbhi.layouts import lay_out
from cbhi.replicates import begin_replicate, run_between

households, rounds = int(sys.argv[1]), int(sys.argv[2])
scenario = cbhi.scenario("rwanda").at_point()
best = None
for n in (300, *[households] * rounds):
    engine = begin_replicate(scenario, lay_out(scenario, n), 1, 0)
    begin = time.process_time()
    run_between(engine, 0, scenario.n_months)
    seconds = time.process_time() - begin
    lived = int(engine.output.tallies[..., codes.HOUSEHOLDS_ALIVE].sum())
    if n == households and (best is None or seconds / lived < best[0] / best[1]):
        best = (seconds, lived, engine.work.clock.tolist())
print(json.dumps(best))
"""


def parsed() -> dict[str, ast.Module]:
    """Return the sources of the kernels by file name."""
    return {path.name: ast.parse(path.read_text()) for path in (PACKAGE / "kernels").glob("*.py")}


def called(node: ast.AST, kernels: set[str]) -> list[str]:
    """Return the kernels that a piece of source calls, in order."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    return [call.func.id for call in calls if isinstance(call.func, ast.Name) and call.func.id in kernels]


class Timer(ast.NodeTransformer):
    """Puts a counter around every plain statement that calls a kernel."""

    def __init__(self, kernels: set[str], names: list[str], owner: str) -> None:
        self.kernels = kernels
        self.names = names
        self.owner = owner

    def timed(self, statement: ast.stmt) -> ast.stmt | list[ast.stmt]:
        """Return a statement with a counter around it, if it calls a kernel."""
        calls = called(statement, self.kernels)
        if not calls or isinstance(statement, ast.Return):
            return statement
        name = f"{self.owner}/{calls[0]}"
        if name not in self.names:
            self.names.append(name)
        place = self.names.index(name)
        before, after = (ast.parse(f"work.clock[{place}] {sign}= cycles()").body[0] for sign in ("-", "+"))
        return [before, statement, after]

    visit_Expr = visit_Assign = visit_AugAssign = timed


def instrument(folder: Path) -> list[str]:
    """Write a copy of the package with counters into ``folder``; return their names in order."""
    copy = folder / "cbhi"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "kernels" / "clock.py").write_text(CLOCK)
    modules = parsed()
    kernels = {n.name for tree in modules.values() for n in tree.body if isinstance(n, ast.FunctionDef)}
    names: list[str] = []
    for file, functions in TIMED.items():
        tree = modules[file]
        for place, node in enumerate(tree.body):
            if isinstance(node, ast.FunctionDef) and node.name in functions:
                tree.body[place] = Timer(kernels, names, node.name).visit(node)
        future = next(i for i, n in enumerate(tree.body) if isinstance(n, ast.ImportFrom)) + 1
        tree.body.insert(future, ast.parse("from cbhi.kernels.clock import cycles").body[0])
        (copy / "kernels" / file).write_text(ast.unparse(ast.fix_missing_locations(tree)))
    records = copy / "kernels" / "records.py"
    records.write_text(
        records.read_text().replace("    histogram: I8\n", "    histogram: I8\n    clock: I8\n")
    )
    replicates = copy / "replicates.py"
    field = f"        clock=np.zeros({COUNTERS}, dtype=np.int64),\n        histogram="
    replicates.write_text(replicates.read_text().replace("        histogram=", field))
    return names


def below(kernel: str, functions: dict[str, ast.FunctionDef]) -> set[str]:
    """Return a kernel and all kernels that it calls, directly or through others."""
    found: set[str] = set()
    waiting = [kernel]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += called(functions[name], set(functions))
    return found


def touched(kernel: str, functions: dict[str, ast.FunctionDef]) -> tuple[int, int, list[str]]:
    """Return bytes of a household's fields and of a member's that the code below names, and its decisions."""
    from cbhi.kernels.records import Household, Member, record_table

    # where a field begins, and its bytes: those of bits meet where they share one
    sizes = [
        {place.name: (place.offset, table[place.name].itemsize) for place in table.places}
        for table in (record_table(Household, 1), record_table(Member, 1))
    ]
    fields: list[set[str]] = [set(), set()]
    draws: set[str] = set()
    for name in below(kernel, functions):
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Subscript)):
                owner = node.value.value if isinstance(node.value, ast.Subscript) else node.value
                if not isinstance(owner, ast.Name):
                    continue
                if owner.id in ("hh", "households", "origin"):
                    fields[0].add(node.attr)
                elif owner.id in ("mm", "member", "members", "origin_mm"):
                    fields[1].add(node.attr)
            if isinstance(node, ast.Name) and node.id.startswith("DRAW_"):
                draws.add(node.id.removeprefix("DRAW_").lower())
    household, member = (
        sum(size for _, size in {known[f] for f in named if f in known})
        for named, known in zip(fields, sizes, strict=True)
    )
    return household, member, sorted(draws)


def measure(households: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row for every pass: ns per household-month, bytes, draws."""
    functions = {
        node.name: node
        for tree in parsed().values()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    with tempfile.TemporaryDirectory() as folder:
        names = instrument(Path(folder))
        environment = {
            **os.environ,
            "PYTHONPATH": folder,
            "NUMBA_CACHE_DIR": str(Path(folder) / "cache"),
        }
        told = subprocess.run(
            [sys.executable, "-c", RUN, str(households), str(rounds)],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
        )
    seconds, lived, clock = json.loads(told.stdout.splitlines()[-1])
    whole = sum(c for name, c in zip(names, clock, strict=False) if name.startswith("run_months/"))
    ns = seconds / lived * 1e9
    rows = []
    for name, counted in zip(names, clock, strict=False):
        owner, kernel = name.split("/")
        if kernel in WRAPPERS:
            continue
        household, member, draws = touched(kernel, functions)
        row = {"pass": kernel, "part_of": owner if owner in WITHIN else "", "ns": counted / whole * ns}
        rows.append({**row, "household_bytes": household, "member_bytes": member, "draws": draws})
    parts = [row for row in rows if row["part_of"]]
    rows = [row for row in rows if not row["part_of"]]
    place = next(i for i, row in enumerate(rows) if row["pass"] == "start_of_month") + 1
    rows[place:place] = parts
    nothing: dict[str, Any] = {"household_bytes": 0, "member_bytes": 0, "draws": []}
    return [*rows, {"pass": "all", "part_of": "", "ns": ns, **nothing}]


def as_table(rows: list[dict[str, Any]], households: int) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| pass | ns | bytes a household | bytes a member | decisions drawn |",
        "|---|---:|---:|---:|---|",
    ]
    for row in rows:
        if row["ns"] < 0.05:
            continue
        name = f"... `{row['pass']}`" if row["part_of"] else f"`{row['pass']}`"
        if row["pass"] == "all":
            lines.append(f"| **all** | **{row['ns']:.1f}** | | | |")
            continue
        member = row["member_bytes"] or ""
        draws = ", ".join(row["draws"]).replace("_", " ")
        lines.append(f"| {name} | {row['ns']:.1f} | {row['household_bytes']} | {member} | {draws} |")
    return "\n".join([*lines, "", f"{households:,} households of Rwanda. {machine()}"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--households", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="rows for programs")
    parser.add_argument("--page", type=Path, help="page whose table is to be replaced")
    arguments = parser.parse_args()
    rows = measure(arguments.households, arguments.rounds)
    if arguments.page is not None:
        put_between(arguments.page, "passes", as_table(rows, arguments.households))
    print(json.dumps(rows, indent=1) if arguments.json else as_table(rows, arguments.households))


if __name__ == "__main__":
    main()
