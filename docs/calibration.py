"""Distil what calibrations wrote into docs/calibration/*.json, and write docs/calibration.md from these.

    cbhi calibrate rwanda                                                        # about two minutes
    cbhi calibrate rwanda --sbc 200                                              # hours
    cbhi calibrate rwanda --sbc 50 --targets-sd-factor 0.3333 -o out/study-tight
    cbhi calibrate rwanda --fit-until 2008 --predict-until 2012 -o out/forecast-rwanda
    python benchmarks/calibration
    python docs/calibration.py --fit out/calibration-rwanda --study out/study-rwanda \\
        --tight out/study-tight --forecast out/forecast-rwanda --rivals out/calibration-rivals/rivals.json
    python docs/calibration.py --check     # write nothing; exit 1 when the page is not what the files say

Each is optional: what is not given stays as it was kept. Numbers of the page between markers are never typed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
PAGE, KEPT = DOCS / "calibration.md", DOCS / "calibration"

COMMANDS = {
    "study": "cbhi calibrate rwanda --sbc 200",
    "tight": "cbhi calibrate rwanda --sbc 50 --targets-sd-factor 0.3333 -o out/study-tight",
    "forecast": "cbhi calibrate rwanda --fit-until 2008 --predict-until 2012 -o out/forecast-rwanda",
    "rivals": "python benchmarks/calibration",
}
"""What makes a part that is not kept yet."""

_RECORDED = (
    "command", "finished", "wall_seconds", "households", "replicates", "seed", "n_targets", "n_param_sets",
    "loss", "n_modes", "method", "effective_size", "pareto_k", "n_simulations", "failures", "mode",
)  # fmt: skip
"""What of ``run.json`` is kept beside the tables."""


# --- from folders to what is kept ---------------------------------------------------------------------


def anywhere(command: str) -> str:
    """Return a command without folders of one machine: their last part, in ``out``."""
    words = shlex.split(command)
    return shlex.join([f"out/{Path(word).name}" if Path(word).is_absolute() else word for word in words])


def distil_fit(folder: Path) -> dict[str, Any]:
    """Return sentence, cautions and tables of a calibration, and what was run."""
    from cbhi.calibration import Posterior

    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    posterior = Posterior.load(folder / "posterior")
    if posterior.profiles is None:
        raise ValueError(f"'{folder}' holds no profiles; run the calibration again, without --no-profiles")
    report = posterior.report()
    found = posterior.fit.identifiability()
    return {
        "says": report.says,
        "cautions": list(report.cautions),
        "run": {name: run[name] for name in _RECORDED} | {"command": anywhere(run["command"])},
        "settings": dict(posterior.fit.settings),
        "information": found.information,
        "n_flat": found.n_flat,
        "flat": list(found.flat),
        "facts": [list(pair) for pair in report.facts],
        "verdicts": [_verdict(one) for one in posterior.verdicts()],
        "priors": [_prior(one, False) for one in posterior.fit.priors]
        + [_prior(one, True) for one in posterior.fit.carried],
        "targets": [_target(one) for one in posterior.fit.targets],
        "tables": {_part(table.title): _plain(table) for table in report.parts},
    }


def _verdict(verdict: Any) -> dict[str, Any]:
    return {
        "key": verdict.name,
        "verdict": verdict.word,
        "spread_left": verdict.left,
        "profile_below": verdict.below if math.isfinite(verdict.below) else None,
        "profile_above": verdict.above if math.isfinite(verdict.above) else None,
        "moved_by": verdict.shift,
        "carried": verdict.is_carried,
    }


def _prior(prior: Any, carried: bool) -> dict[str, Any]:
    from cbhi.calibration.wording import name_in_sentence

    given = {"words": name_in_sentence(prior.key), "carried": carried, **prior.as_dict()}
    return {name: given[name] for name in (*_PRIOR, "low", "high")}


_PRIOR = ("key", "words", "carried", "family", "numbers", "source", "confidence")


def _target(target: Any) -> dict[str, Any]:
    names = ("name", "variable", "period", "value", "sd", "unit", "confidence", "source", "discrepancy")
    return {name: getattr(target, name) for name in names}


def _part(title: str) -> str:
    """Return the name of a table of the report by how its title begins."""
    for name, start in PARTS_OF_REPORT.items():
        if title.startswith(start):
            return name
    raise ValueError(f"the report has a table that this page does not know: '{title}'")


PARTS_OF_REPORT = {
    "mechanisms": "What the data say about each mechanism",
    "fit": "Fit against each target",
    "checks": "Could the fitted model",
    "directions": "Directions that the targets",
    "correlations": "Parameters that the data tie",
    "bias": "If a figure were published",
    "errors": "What the doubt about each figure",
    "profiles": "Profile likelihoods",
    "modes": "Local modes",
    "draws": "How the draws were made",
}


def _plain(table: Any) -> dict[str, Any]:
    return {name: getattr(table, name) for name in ("title", "heads", "rows", "notes", "n_labels", "facts")}


def distil_study(folder: Path) -> dict[str, Any]:
    """Return the table of a study as text and its rows as numbers."""
    import pandas as pd

    summary = folder / "study.json"
    frame = pd.read_csv(folder / "study.csv")
    kept: dict[str, Any] = {
        "text": (folder / "study.txt").read_text(encoding="utf-8").rstrip(),
        "rows": json.loads(frame.to_json(orient="records")),
    }
    if summary.is_file():
        said = json.loads(summary.read_text(encoding="utf-8"))
        names = [name for name in ("households", "replicates") if name in said]
        kept["run"] = {"command": anywhere(said["command"])} | {name: said[name] for name in names}
        kept["run"] |= _time_of_sets(folder / "sets.csv")
    return kept


def _time_of_sets(file: Path) -> dict[str, Any]:
    """Return how long sets took, where that was measured.

    Not the time of the command: one that finds all sets in its folder takes seconds.
    """
    import pandas as pd

    sets = pd.read_csv(file) if file.is_file() else pd.DataFrame()
    if "seconds" not in sets:
        return {}
    seconds = sets.groupby("set")["seconds"].first().dropna()
    if seconds.empty:
        return {}
    return {"sets_timed": len(seconds), "seconds_of_a_set": round(float(seconds.median()), 1)}


def distil_forecast(folder: Path) -> dict[str, Any]:
    """Return later figures beside their predictions, and how they were made."""
    import pandas as pd

    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    frame = pd.read_csv(folder / "forecast.csv", dtype={"period": str})
    names = ("finished", "households", "replicates", "seed", "n_targets", "forecast")
    return {
        "run": {"command": anywhere(run["command"])} | {name: run[name] for name in names},
        "rows": json.loads(frame.to_json(orient="records")),
    }


def distil_rivals(file: Path) -> dict[str, Any]:
    """Return what the comparison with other searches wrote, and its table."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    lines = (file.parent / "rivals.md").read_text(encoding="utf-8").splitlines()
    return {
        **found,
        "command": anywhere(found["command"]),
        "table": "\n".join(line for line in lines if line.startswith("|")),
    }


def keep(name: str, what: Mapping[str, Any]) -> None:
    """Write one of the kept files under a temporary name and rename it."""
    KEPT.mkdir(exist_ok=True)
    temporary = KEPT / f".{name}.part"
    text = json.dumps(what, indent=1, ensure_ascii=False, allow_nan=False)
    temporary.write_text(text + "\n", encoding="utf-8")
    os.replace(temporary, KEPT / f"{name}.json")


# --- from what is kept to the page --------------------------------------------------------------------


def read_kept() -> dict[str, dict[str, Any]]:
    """Return the kept files by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(KEPT.glob("*.json"))}


def replace_part(text: str, name: str, content: str) -> str:
    """Return the page with a generated part replaced."""
    begin, end = f"<!-- from docs/calibration.py: {name} -->\n", f"<!-- to: {name} -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{PAGE.name} has no part '{name}'")
    return f"{head}{begin}\n{content.strip()}\n\n{end}{tail}"


def table_of(heads: Sequence[str], rows: Sequence[Sequence[str]], n_labels: int = 1) -> str:
    """Return a table as Markdown."""
    lines = ["| " + " | ".join(heads) + " |"]
    lines.append("|" + "|".join("---" if i < n_labels else "--:" for i in range(len(heads))) + "|")
    lines += ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _report_table(kept: Mapping[str, Any], name: str) -> str:
    """Return a table of the report, without its title, which the page says in its own words."""
    from cbhi.calibration.report import markdown_table
    from cbhi.tables import Table

    plain = {key: _tuples(value) for key, value in kept["tables"][name].items()}
    text = markdown_table(Table(**plain))
    return text.partition("\n")[2].strip()


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value


def _says(kept: Mapping[str, Any]) -> str:
    return "> " + kept["says"]


def _cautions(kept: Mapping[str, Any]) -> str:
    return "\n".join(f"- {caution}" for caution in kept["cautions"])


def _run(kept: Mapping[str, Any]) -> str:
    run = kept["run"]
    rows = [
        ("command", f"`{run['command']}`"),
        ("finished", run["finished"]),
        ("wall time", f"{run['wall_seconds']:.0f} s"),
        ("simulations, all, profiles included", f"{run['n_simulations']:,}"),
        ("equally weighted parameter sets", str(run["n_param_sets"])),
        *((str(name), str(value)) for name, value in kept["facts"] if value),
    ]
    return table_of(("what was run", ""), [(name, value.replace("|", r"\|")) for name, value in rows], 2)


def _priors(kept: Mapping[str, Any]) -> str:
    rows = []
    for prior in kept["priors"]:
        numbers = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in prior["numbers"].items())
        ends = f"{prior['low']:g} to {prior['high']:g}" if prior["low"] is not None else "-"
        key = f"`{prior['key']}`" + ("*" if prior["carried"] else "")
        family = f"{prior['family']}: {numbers}"
        rows.append((key, prior["words"], family, ends, prior["confidence"], prior["source"]))
    heads = ("parameter", "in words", "prior", "kept within", "confidence", "source")
    return table_of(heads, rows, 6) + "\n\n*: carried, not explored."


def _information(kept: Mapping[str, Any]) -> str:
    n = sum(not prior["carried"] for prior in kept["priors"])
    flat = "\n".join(f"- {words}" for words in kept["flat"])
    return (
        f"All figures together are worth about {kept['information']:.1f} of {n} parameters."
        f" {kept['n_flat']} directions are flat, where the result is the prior:\n\n{flat}"
    )


def _tension(kept: Mapping[str, Any]) -> str:
    """Return what moved further than data of this precision move a parameter whose prior is right."""
    rows = []
    for one in kept["verdicts"]:
        usual = max(1.0 - one["spread_left"] ** 2, 0.0) ** 0.5
        if usual > 0.1 and abs(one["moved_by"]) > 1.5 * usual:
            key = f"`{one['key']}`" + ("*" if one["carried"] else "")
            ratio = abs(one["moved_by"]) / usual
            rows.append((key, f"{one['moved_by']:+.2f}", f"{usual:.2f}", f"{ratio:.1f}"))
    if not rows:
        return "No parameter moved by more than one and a half times what is usual."
    heads = ("parameter", "moved by", "usual size of a move", "ratio")
    return table_of(heads, rows) + "\n\nBoth in prior standard deviations. *: carried, to first order."


def _study(kept: Mapping[str, Any]) -> str:
    lines = ["```text", kept["text"], "```"]
    if "run" in kept:
        run = kept["run"]
        took = f", {run['seconds_of_a_set']:.0f} s of one worker a set" if "seconds_of_a_set" in run else ""
        lines += ["", f"`{run['command']}`{took}."]
    return "\n".join(lines)


def _scale(unit: str, value: float) -> Any:
    """Return how a later figure is written; as in the report."""
    from cbhi.tables import Scale, scale_of

    known = {
        "share": Scale(100.0, "%", 1),
        "RWF": Scale(1e-9, "bn RWF", 2),
        "visits per person per year": Scale(1.0, "", 2),
    }
    return known.get(unit) or scale_of(unit, value)


def _forecast(kept: Mapping[str, Any]) -> str:
    from cbhi.published import READINGS

    rows = []
    for row in kept["rows"]:
        reading = READINGS.get(row["target"].split(":")[0])
        scale = _scale(row["unit"], row["published"])
        label = reading.label if reading is not None else row["target"]
        score, rival = row["crps"], row["crps_carried_forward"]
        rows.append(
            (
                f"{label}, {scale.unit}" if scale.unit else label,
                str(row["period"]),
                scale.show(row["published"]),
                scale.show(row["sd"]),
                scale.show(row["median"]),
                f"{scale.show(row['p05'])} to {scale.show(row['p95'])}",
                "yes" if row["inside_90"] else "**no**",
                f"{score:.2f}",
                "-" if rival is None else f"{rival:.2f}",
            )
        )
    heads = (
        "figure", "year", "published", "s.e.", "predicted", "5 to 95 %", "inside", "score", "carry-forward's",
    )  # fmt: skip
    run, n = kept["run"], len(kept["rows"])
    inside = sum(bool(row["inside_90"]) for row in kept["rows"])
    rivalled = [row for row in kept["rows"] if row["crps_carried_forward"] is not None]
    return (
        f"{table_of(heads, rows, 2)}\n\n{inside} of {n} later figures lie inside their 90 % interval; over"
        f" the {len(rivalled)} with an earlier figure of their kind the mean score is"
        f" {100 * run['forecast']['skill']:.0f} % better than carry-forward's (negative: worse). Score:"
        " continuous ranked probability over the published standard error, 0 at best."
        f" `{run['command']}`, {run['households']:,} households x {run['replicates']}, seed {run['seed']},"
        f" fitted to {run['n_targets']} figures, {run['finished'][:10]}."
    )


def _rivals(kept: Mapping[str, Any]) -> str:
    musts = "\n".join(f"- {'met' if must['met'] else '**missed**'}: {must['what']}" for must in kept["musts"])
    versions = ", ".join(f"{name} {number}" for name, number in kept["versions"].items())
    return f"{kept['table']}\n\n{musts}\n\n`{kept['command']}`, {kept['date']}, {versions}."


Maker = Callable[[Mapping[str, Any]], str]


def _of_report(name: str) -> Maker:
    return lambda kept: _report_table(kept, name)


PARTS: dict[str, tuple[str, Maker]] = {
    "says": ("fit", _says),
    "cautions": ("fit", _cautions),
    "run": ("fit", _run),
    "priors": ("fit", _priors),
    "information": ("fit", _information),
    "tension": ("fit", _tension),
    **{name: ("fit", _of_report(name)) for name in PARTS_OF_REPORT},
    "study": ("study", _study),
    "tight": ("tight", _study),
    "forecast": ("forecast", _forecast),
    "rivals": ("rivals", _rivals),
}
"""By part of the page: the kept file that it rests on, and what makes it."""


def render(text: str, kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page with every part made from what is kept."""
    for name, (source, make) in PARTS.items():
        if source in kept:
            content = make(kept[source])
        else:
            content = f"Not on this page yet. It is made by `{COMMANDS[source]}`."
        text = replace_part(text, name, content)
    return text


def main() -> int:
    """Keep what is given and write the page; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    distils = {
        "fit": distil_fit, "study": distil_study, "tight": distil_study, "forecast": distil_forecast,
        "rivals": distil_rivals,
    }  # fmt: skip
    for name in distils:
        metavar = "FILE" if name == "rivals" else "FOLDER"
        parser.add_argument(f"--{name}", type=Path, metavar=metavar)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    given = vars(parser.parse_args())
    for name, distil in distils.items():
        if given[name] is not None and not given["check"]:
            keep(name, distil(given[name]))
    before = PAGE.read_text(encoding="utf-8")
    after = render(before, read_kept())
    if given["check"]:
        return int(after != before)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
