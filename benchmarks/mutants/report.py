"""Counts mutants, puts reasons beside those that survived, and writes the page of the documentation."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from mutants.changes import Mutant
from mutants.session import KILLED, NO_TEST, SURVIVED, TIMEOUT, Outcome, read_results

PAGE = Path(__file__).with_name("page.md")
KINDS = ("equivalent", "unreachable", "tolerance", "speed")
_Z = 1.959964


def reasons(path: Path) -> dict[str, dict[str, str]]:
    """Return the reason written down for each mutant that may survive, by its key."""
    if not path.exists():
        return {}
    found: dict[str, dict[str, str]] = {}
    for number, entry in enumerate(tomllib.loads(path.read_text(encoding="utf-8")).get("survivors", []), 1):
        kind, reason, mutants = entry.get("kind"), entry.get("reason"), entry.get("mutants")
        if kind not in KINDS or not reason or not mutants:
            raise SystemExit(
                f"{path.name}, entry {number}: needs mutants, a reason and a kind out of {', '.join(KINDS)}"
            )
        for key in mutants:
            if key in found:
                raise SystemExit(f"{path.name}, entry {number}: {key!r} has a reason already")
            found[key] = {"kind": kind, "reason": reason}
    return found


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of Wilson (1927) for a share of k in n."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = k / n, _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def stratified(strata: list[tuple[int, int, int]]) -> tuple[float, float]:
    """Return the estimated share of all mutants that are noticed, and its standard error.

    Each stratum is a module: mutants there are, mutants tried, mutants noticed. Where all were tried
    nothing is left to chance; the variance of a share of 0 or 1 is taken at half a mutant from it, so that
    it is not zero.
    """
    total = sum(n_all for n_all, n, _ in strata if n)
    share = variance = 0.0
    for n_all, n, k in strata:
        if n == 0:
            continue
        weight, p = n_all / total, k / n
        share += weight * p
        q = min(max(p, 0.5 / n), 1 - 0.5 / n)
        variance += weight**2 * (1 - n / n_all) * q * (1 - q) / max(1, n - 1)
    return share, math.sqrt(variance)


def gather(root: Path, mutants: dict[str, list[Mutant]], seed: int, state: Path, why: Path) -> dict[str, Any]:
    """Return what was found about these modules: counts, operators, survivors with reasons, and sources."""
    latest: dict[str, Outcome] = {}
    for group in ("kernels", "plain"):
        for outcome in read_results(state / f"{group}.jsonl"):
            latest[outcome.key] = outcome
    known = reasons(why)
    rows: list[dict[str, Any]] = []
    survivors: list[dict[str, Any]] = []
    operators: dict[str, Counter[str]] = {}
    for module, all_mutants in mutants.items():
        tried = [
            (m, latest[m.key])
            for m in all_mutants
            if m.key in latest and latest[m.key].function_hash == m.function_hash
        ]
        count = Counter(outcome.outcome for _, outcome in tried)
        source = _source(root, module)
        rows.append(
            {
                "module": module,
                "mutants": len(all_mutants),
                "tried": len(tried),
                **{name: count[name] for name in (KILLED, TIMEOUT, SURVIVED, NO_TEST)},
                "source": hashlib.sha256(source.read_bytes()).hexdigest()[:12],
            }
        )
        for mutant, outcome in tried:
            operators.setdefault(mutant.operator, Counter())[outcome.outcome] += 1
            if outcome.outcome in (SURVIVED, NO_TEST):
                survivors.append(
                    {
                        "mutant": mutant.key,
                        "module": module,
                        "function": mutant.function,
                        "line": mutant.line,
                        "operator": mutant.operator,
                        "before": mutant.before,
                        "after": mutant.after,
                        "outcome": outcome.outcome,
                        "tests": outcome.tests,
                        **known.get(mutant.key, {"kind": "", "reason": ""}),
                    }
                )
    return {
        "seed": seed,
        **_summary(rows, survivors),
        "modules": rows,
        "operators": {name: dict(count) for name, count in sorted(operators.items())},
        "survivors": survivors,
    }


def _source(root: Path, module: str) -> Path:
    base = root.joinpath("src", *module.split("."))
    return base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"


def _summary(rows: list[dict[str, Any]], survivors: list[dict[str, Any]]) -> dict[str, Any]:
    noticed = sum(row[KILLED] + row[TIMEOUT] for row in rows)
    tried = sum(row["tried"] for row in rows)
    share, error = stratified([(row["mutants"], row["tried"], row[KILLED] + row[TIMEOUT]) for row in rows])
    same = sum(s["kind"] in ("equivalent", "unreachable") for s in survivors)
    return {
        "mutants": sum(row["mutants"] for row in rows),
        "tried": tried,
        "noticed": noticed,
        "share_of_tried": noticed / tried if tried else float("nan"),
        "share_of_all": share,
        "standard_error": error,
        "interval": [max(0.0, share - _Z * error), min(1.0, share + _Z * error)],
        "equivalent_or_unreachable": same,
        "share_without_those": noticed / (tried - same) if tried > same else float("nan"),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _row(row: dict[str, Any]) -> list[str]:
    noticed = row[KILLED] + row[TIMEOUT]
    share = _percent(noticed / row["tried"]) if row["tried"] else ""
    band = "all tried"
    if row["tried"] < row["mutants"]:
        low, high = wilson(noticed, row["tried"])
        band = f"{_percent(low)}-{_percent(high)}" if row["tried"] else ""
    counts = [str(row[name]) for name in ("mutants", "tried", KILLED, TIMEOUT, SURVIVED, NO_TEST)]
    return [row["module"].removeprefix("cbhi."), *counts, share, band]


_HEAD = [
    "module", "mutants", "tried", "killed", "timeout", "survived", "no test", "noticed, %", "95 % interval",
]  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """Return what a run prints."""
    rows = [_HEAD, *(_row(row) for row in found["modules"] if row["mutants"])]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_HEAD))]
    lines = []
    for row in rows:
        first, *others = (f"{cell:{'<' if k == 0 else '>'}{widths[k]}}" for k, cell in enumerate(row))
        lines.append("  ".join([first, *others]))
    return "\n".join([*lines, "", _sentence(found)])


def _sentence(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    share, same = _percent(found["share_of_tried"]), found["equivalent_or_unreachable"]
    unexplained = sum(not s["reason"] for s in found["survivors"])
    parts = [
        f"{found['noticed']} of {found['tried']} mutants were noticed ({share} %), out of {found['mutants']}",
        "that there are.",
        f"Weighted by the size of modules this estimates {_percent(found['share_of_all'])} % of all mutants",
        f"(95 % interval {_percent(low)}-{_percent(high)} %).",
        f"Of the {len(found['survivors'])} that were not noticed, {same} change nothing that can be seen;",
        f"without those the share is {_percent(found['share_without_those'])} %.",
        f"{unexplained} have no reason written down." if unexplained else "",
    ]
    return " ".join(part for part in parts if part)


def page(found: dict[str, Any]) -> str:
    """Return the page of the documentation, in Markdown: ``page.md`` with the figures put in."""
    kinds = []
    for name, count in found["operators"].items():
        noticed, n = count.get(KILLED, 0) + count.get(TIMEOUT, 0), sum(count.values())
        kinds.append([name, str(n), str(noticed), _percent(noticed / n)])
    survivors = []
    for kind in (*KINDS, ""):
        chosen = [s for s in found["survivors"] if s["kind"] == kind]
        if chosen:
            survivors.append(f"### {_TITLES[kind]}\n\n" + _by_reason(chosen))
    mutated = [row for row in found["modules"] if row["mutants"]]
    return PAGE.read_text(encoding="utf-8").format(
        sentence=_sentence(found),
        modules=_markdown(_HEAD, [_row(row) for row in mutated]),
        seed=found["seed"],
        operators=_markdown(["operator", "tried", "noticed", "%"], kinds),
        survivors="".join(survivors),
        sources=", ".join(f"{row['module'].removeprefix('cbhi.')} {row['source']}" for row in mutated),
    )


_TITLES = {
    "equivalent": "The same by another road",
    "unreachable": "Never met",
    "tolerance": "Smaller than a test can tell",
    "speed": "Changes only how long it takes",
    "": "Without a reason: not noticed by tests that are quick enough without the compiler; whether the tests"
    " of whole compiled runs notice them was not measured",
}


def _by_reason(survivors: list[dict[str, Any]]) -> str:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for one in survivors:
        grouped.setdefault(one["reason"], []).append(one)
    lines = []
    for reason, members in grouped.items():
        if reason:
            lines.append(f"{reason}\n\n")
        for one in members:
            where = f"{one['module'].removeprefix('cbhi.')}:{one['line']} `{one['function']}`"
            lines.append(f"- {where}: {_code(one['before'])} → {_code(one['after'])}\n")
        lines.append("\n")
    return "".join(lines)


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    align = ["---" if k == 0 else "---:" for k in range(len(head))]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [head, align, *rows])


def write(path: Path, text: str) -> None:
    """Write a file under a temporary name and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
