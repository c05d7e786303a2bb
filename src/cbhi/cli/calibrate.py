"""The command ``cbhi calibrate``."""

from __future__ import annotations

import json
import shutil
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cbhi.cli.errors import CHECK_FAILED, errors
from cbhi.cli.folder import claim, placed
from cbhi.cli.going_on import ending_early
from cbhi.cli.options import WholeNumber, default_workers
from cbhi.cli.progress import duration, is_compiled, show_batches, show_compiling, show_progress
from cbhi.cli.resume import command_to_resume
from cbhi.words import listed

if TYPE_CHECKING:
    from cbhi.calibration import Calibration, Target
    from cbhi.calibration.fit import Fit
    from cbhi.calibration.forecasting import Forecast
    from cbhi.calibration.posterior import Posterior

CHECKPOINT, SETS = "checkpoint", "sets"
"""Folders inside the output of what a calibration simulates, and of what a study has finished."""
FILES = ("report.md", "parameter-sets.csv", "draws.csv", "posterior")
STUDY_FILES = ("study.txt", "study.csv", "sets.csv")
"""Results of a calibration and of a study, beside the record of each."""
OPTIONAL_FILES = ("calibration.png", "scenario.toml", "forecast.csv")
"""Results that not every calibration has; none of an earlier one stays."""
STUDY_HOUSEHOLDS, STUDY_REPLICATES = 1_000, 1
"""Size of the simulations of a study, unless told otherwise: every set of it is a whole calibration."""


@click.command()
@click.argument("name")
@click.option("--households", type=WholeNumber(1, 10_000_000), metavar="N",
              help="Households of a simulation.  [default: of the file; 1000 with --sbc]")  # fmt: skip
@click.option("--replicates", type=WholeNumber(1, 1_000), metavar="N",
              help="Simulations that make a point.  [default: of the file; 1 with --sbc]")  # fmt: skip
@click.option(
    "--seed", type=WholeNumber(0, 2**63 - 1), metavar="N", help="Of all draws.  [default: of the file]"
)
@click.option("--workers", type=WholeNumber(1, 256), metavar="N", help="At once.  [default: all processors]")
@click.option(
    "--executor", type=click.Choice(("serial", "threads", "processes", "joblib", "dask")),
    help="Where simulations run; no choice changes a result.  [default: threads; processes with --sbc]",
)  # fmt: skip
@click.option("--fit-until", type=WholeNumber(1900, 2200), metavar="YEAR", help="Last year that is fitted.")
@click.option(
    "--predict-until", type=WholeNumber(1900, 2200), metavar="YEAR",
    help="With --fit-until: predict the figures after it, to this year, and score them.",
)  # fmt: skip
@click.option(
    "--sbc", "study", type=WholeNumber(1, 10_000), metavar="N",
    help="Instead: fit N synthetic data sets and see whether intervals hold the truth.",
)  # fmt: skip
@click.option(
    "--targets-sd-factor", "factor", type=float, metavar="X", default=1.0, show_default=True,
    help="Factor on all errors of figures and model.",
)  # fmt: skip
@click.option("--sets", type=WholeNumber(2, 100_000), metavar="N", default=200, show_default=True,
              help="Equally weighted parameter sets to write.")  # fmt: skip
@click.option("--profiles/--no-profiles", default=True, show_default=True, help="Profile likelihoods.")
@click.option("--max-simulations", type=WholeNumber(100, 1_000_000), metavar="N", default=6_000,
              show_default=True, help="Points after which importance sampling gives up.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder of the results.  [default: out/calibration-NAME]",
)
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of what is simulated, kept at the end.  [default: in the output, removed at the end]",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with the checkpoint of a calibration that was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no report.")
def command(name: str, **asked: Any) -> None:
    """Fit the parameters of NAME to published figures, and say what is still not known.

    NAME is a shipped calibration, such as rwanda, or a TOML file. Written are a report, equally weighted
    parameter sets with a scenario that carries them, weighted draws, and the fit. A calibration that is
    stopped keeps what was simulated; the same command with --resume goes on to the same result.

    \b
    Examples:
      cbhi calibrate rwanda
      cbhi calibrate rwanda --households 2000 --replicates 1 -o out/quick
      cbhi calibrate rwanda --fit-until 2008 --predict-until 2012
      cbhi calibrate rwanda --sbc 50
    """
    began = time.monotonic()
    output = asked["output"]
    with errors(asked["households"]) as outcome, ending_early(outcome):
        if output is not None and output == Path():
            raise ValueError("the output folder has no name; example: -o out/mine")
        _check_together(asked)
        calibration = _calibration(name, asked)
        outcome.households = calibration.households
        folder = output or Path("out") / f"{'study' if asked['study'] else 'calibration'}-{Path(name).stem}"
        with claim(folder):
            from cbhi.saving import clear_leftovers
            from cbhi.simulation import simulate

            clear_leftovers(folder)
            _check_folder(folder, asked["study"])
            outcome.checkpoint = asked["checkpoint"] or folder / (SETS if asked["study"] else CHECKPOINT)
            if not is_compiled():
                with show_compiling(asked["quiet"]):
                    simulate(calibration.scenario, households=1)
            run = _study if asked["study"] else _fit
            passed, said = run(calibration, folder, asked, outcome, began)
    if asked["as_json"]:
        click.echo(json.dumps(said["json"], indent=2, allow_nan=False, ensure_ascii=False))
    elif not asked["quiet"]:
        click.echo(said["text"])
        click.echo(f"written to {folder} in {duration(time.monotonic() - began)}: {', '.join(said['files'])}")
    if not passed:
        raise SystemExit(CHECK_FAILED)


def _check_together(asked: dict[str, Any]) -> None:
    """Refuse options that mean nothing beside each other."""
    if asked["predict_until"] is not None and asked["fit_until"] is None:
        raise ValueError("--predict-until needs --fit-until, the last year that is fitted")
    if asked["study"] and asked["predict_until"] is not None:
        raise ValueError(
            "--sbc fits synthetic figures; there is nothing to predict: leave --predict-until out"
        )


def _check_folder(folder: Path, study: int | None) -> None:
    """Refuse a folder with files of the user's own, or with results of another kind."""
    for file, what in (("arrays.npz", "a run"), ("comparison.json", "a comparison")):
        if (folder / file).exists():
            raise ValueError(
                f"'{folder}' holds {what} ({file}), which a calibration would spoil; choose another folder"
                " with -o"
            )
    record, files = ("study.json", STUDY_FILES) if study else ("run.json", (*FILES, *OPTIONAL_FILES))
    own = [file for file in files if (folder / file).exists()]
    if own and not (folder / record).exists():
        raise ValueError(
            f"'{folder}' holds {listed(own)}, which no calibration wrote there; choose another folder with -o"
        )


def _calibration(name: str, asked: dict[str, Any]) -> Calibration:
    """Return what the options ask for."""
    from cbhi.calibration import Calibration

    given = {word: asked[word] for word in ("households", "replicates", "seed") if asked[word] is not None}
    if asked["study"]:
        given = {"households": STUDY_HOUSEHOLDS, "replicates": STUDY_REPLICATES, **given}
    if asked["fit_until"] is not None and asked["predict_until"] is None:
        given["until"] = asked["fit_until"]
    return Calibration.read(name, **given)


def _fit(
    calibration: Calibration, folder: Path, asked: dict[str, Any], outcome: Any, began: float
) -> tuple[bool, dict[str, Any]]:
    """Calibrate, write everything, and return what is printed."""
    from cbhi.calibration.forecasting import forecast, split_at
    from cbhi.calibration.identifiability import FlatDirections

    whole = calibration if asked["factor"] == 1.0 else calibration.with_errors(asked["factor"])
    calibration = whole
    later: tuple[Target, ...] = ()
    if asked["predict_until"] is not None:
        calibration, later = split_at(whole, asked["fit_until"], asked["predict_until"])
    checkpoint = outcome.checkpoint
    hands = {"executor": asked["executor"], "workers": asked["workers"] or default_workers()}
    with show_batches(asked["quiet"]) as progress, warnings.catch_warnings():
        # the report says it
        warnings.simplefilter("ignore", FlatDirections)
        fit = calibration.fit(progress=progress, checkpoint=checkpoint, resume=asked["resume"], **hands)
        try:
            posterior = fit.posterior(max_sims=asked["max_simulations"])
            if asked["profiles"]:
                posterior = replace(posterior, profiles=fit.profiles())
            found = forecast(whole, posterior, later, **hands) if later else None
        finally:
            fit.close()
    with outcome.writing(folder), placed(folder, "run.json", OPTIONAL_FILES) as staged:
        said = _write(calibration, posterior, found, staged, asked, began)
    if asked["checkpoint"] is None:
        shutil.rmtree(checkpoint, ignore_errors=True)
    return True, said


def _write(
    calibration: Calibration,
    posterior: Posterior,
    found: Forecast | None,
    folder: Path,
    asked: dict[str, Any],
    began: float,
) -> dict[str, Any]:
    """Write report, sets, scenario, draws, fit and the record of the run.

    The folder is hidden inside that of the results until everything is there.
    """
    from cbhi.calibration.journal import write_whole

    report = posterior.report(forecast=found)
    report.save(folder)
    command_line = command_to_resume().removesuffix(" --resume")
    sets = posterior.sets(asked["sets"], about={"command": command_line})
    sets.write(folder / "parameter-sets.csv")
    write_whole(folder / "draws.csv", posterior.to_frame().to_csv(index=False).encode())
    posterior.save(folder / "posterior")
    files = [*FILES]
    text = str(report)
    if calibration.base:
        write_whole(folder / "scenario.toml", _scenario_text(calibration, posterior).encode())
        files.append("scenario.toml")
    if found is not None:
        write_whole(folder / "forecast.csv", found.to_frame().to_csv(index=False).encode())
        files.append("forecast.csv")
    if (folder / "calibration.png").is_file():
        files.append("calibration.png")
    summary = _summary(calibration, posterior, found, asked["sets"])
    summary["command"] = command_line
    summary["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    summary["wall_seconds"] = round(time.monotonic() - began, 1)
    summary["folder"] = str(folder.parent)
    summary["files"] = [*files, "run.json"]
    record = {**summary, "settings": dict(posterior.fit.settings), "identity": calibration.identity()}
    write_whole(folder / "run.json", (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
    return {"text": text, "json": summary, "files": summary["files"]}


def _scenario_text(calibration: Calibration, posterior: Posterior) -> str:
    """Return a scenario file of the fitted values that carries the fitted sets."""
    from cbhi.calibration.scenario_file import fitted_scenario_text

    return fitted_scenario_text(
        posterior.fit,
        name=f"{calibration.name}, calibrated",
        base=calibration.base,
        sets="parameter-sets.csv",
        head=(
            f"{calibration.name} under the parameter sets of a calibration: cbhi run scenario.toml",
            "its own values, with --point, are the mode",
        ),
    )


def _number(value: float) -> float | None:
    import math

    return float(value) if math.isfinite(value) else None


def _summary(
    calibration: Calibration, posterior: Posterior, found: Forecast | None, n_sets: int
) -> dict[str, Any]:
    """Return the main results as plain values."""
    fit, draws = posterior.fit, posterior.draws
    summary: dict[str, Any] = {
        "calibration": calibration.name,
        "households": calibration.households,
        "replicates": calibration.replicates,
        "seed": calibration.seed,
        "n_targets": len(fit.targets),
        "n_param_sets": n_sets,
        "loss": _number(fit.loss),
        "n_modes": len(fit.modes),
        "method": draws.method,
        "effective_size": _number(draws.effective_size),
        "pareto_k": _number(draws.pareto_k),
        "n_simulations": fit.problem.evaluate.n_simulations,  # type: ignore[attr-defined]
        "failures": len(fit.problem.evaluate.failures),  # type: ignore[attr-defined]
        "mode": fit.values,
        "posterior": _quantiles(posterior),
        "targets": _targets(fit),
        "says": posterior.explain(),
    }
    if found is not None:
        summary["forecast"] = {"skill": _number(found.skill), "coverage_90": _number(found.coverage)}
    return summary


def _quantiles(posterior: Posterior) -> dict[str, dict[str, float | None]]:
    table = posterior.quantiles(0.05, 0.5, 0.95)
    return {
        str(key): {name: _number(value) for name, value in zip(("p05", "p50", "p95"), row, strict=True)}
        for key, row in zip(table.index, table.to_numpy(dtype=float), strict=True)
    }


def _targets(fit: Fit) -> dict[str, dict[str, float | None]]:
    """Return published and fitted value of each target, with the total error."""
    total = fit.problem.covariance.diagonal() ** 0.5
    return {
        target.name: {
            "published": target.value,
            "sd": target.sd,
            "total_sd": _number(sd),
            "mode": _number(mode),
        }
        for target, sd, mode in zip(fit.targets, total, fit.mode.simulated, strict=True)
    }


def _study(
    calibration: Calibration, folder: Path, asked: dict[str, Any], outcome: Any, began: float
) -> tuple[bool, dict[str, Any]]:
    """Fit synthetic data sets, write the study, and return what is printed."""
    from cbhi.calibration.journal import write_whole
    from cbhi.calibration.synthetic import simulation_based_calibration

    checkpoint = outcome.checkpoint
    if not asked["resume"] and any(checkpoint.glob("set-*.json")):
        raise ValueError(
            f"'{checkpoint}' holds sets of a study; go on with it (--resume), or choose another folder"
        )
    with show_progress(asked["quiet"]) as progress:
        study = simulation_based_calibration(
            calibration,
            asked["study"],
            seed=calibration.seed,
            targets_sd_factor=asked["factor"],
            executor=asked["executor"] or "processes",
            workers=asked["workers"] or default_workers(),
            checkpoint=checkpoint,
            progress=progress,
            max_sims=asked["max_simulations"],
            clock=time.monotonic,
        )
    frame = study.to_frame()
    covered, error = study.pooled()
    summary = {
        "calibration": calibration.name,
        "households": calibration.households,
        "replicates": calibration.replicates,
        "n_sets": len(study.outcomes),
        "n_converged": len(study.converged),
        "pooled_coverage_90": _number(covered),
        "standard_error": _number(error),
        "passed": study.passed,
        "verdict": study.verdict(),
        "rows": json.loads(frame.to_json(orient="records")),
        "command": command_to_resume().removesuffix(" --resume"),
        "wall_seconds": round(time.monotonic() - began, 1),
        "folder": str(folder),
    }
    with outcome.writing(folder), placed(folder, "study.json") as staged:
        write_whole(staged / "study.csv", frame.to_csv(index=False).encode())
        write_whole(staged / "sets.csv", study.sets_frame().to_csv(index=False).encode())
        write_whole(staged / "study.txt", f"{study.summary()}\n".encode())
        record = json.dumps(summary, indent=1, allow_nan=False, ensure_ascii=False)
        write_whole(staged / "study.json", f"{record}\n".encode())
    files = ["study.txt", "study.csv", "study.json", "sets.csv", checkpoint.name]
    return study.passed, {"text": str(study.summary()), "json": summary, "files": files}
