"""Fits and posteriors in a folder: arrays in ``.npz``, everything else in JSON, nothing that can run.

All files are written to a hidden folder and renamed into place together (``cbhi.placing``); the JSON file
holds the hash of the arrays beside it, so that files of two calibrations are never read as one.
"""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbhi.calibration.core import Draws, Mode, ModeSearch, Problem
from cbhi.calibration.fit import Fit
from cbhi.kernels.records import F8
from cbhi.placing import STAGED, place_files, reading
from cbhi.storage import hash_of_file, read_json, read_npz, scenario_from_plain, scenario_to_plain, write_npz

if TYPE_CHECKING:
    from cbhi.calibration.posterior import Posterior
    from cbhi.calibration.profiles import Profiles

__all__ = ["FORMAT_VERSION", "load_fit", "load_posterior", "save_fit", "save_posterior"]

FORMAT_VERSION = 1
"""Form of the files; raised when older code could not read them."""

_FIT = ("fit.npz", "fit.json")
_POSTERIOR = ("posterior.npz", "posterior.json")
_DRAWN = ("points", "log_weights", "simulated")
_PROFILED = ("values", "rise", "expected", "points", "last_gain")


def save_fit(fit: Fit, directory: Path) -> Path:
    """Write a fit to a folder, made if need be; see ``Fit.save``.

    Raises
    ------
    TypeError
        When the settings hold something that is no plain value.
    OSError
        When the folder cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=STAGED, dir=directory, ignore_cleanup_errors=True) as name:
        _write_fit(fit, Path(name))
        place_files(Path(name), directory, _FIT, mark="fit.json")
    return directory


def save_posterior(posterior: Posterior, directory: Path) -> Path:
    """Write a posterior and its fit to a folder, made if need be; see ``Posterior.save``."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=STAGED, dir=directory, ignore_cleanup_errors=True) as name:
        staged = Path(name)
        _write_fit(posterior.fit, staged)
        draws = posterior.draws
        numbers = np.array([draws.effective_size, draws.pareto_k, draws.n_simulations], dtype=np.float64)
        arrays = {name: getattr(draws, name) for name in _DRAWN}
        for one in () if posterior.profiles is None else posterior.profiles.profiles:
            arrays |= {f"profile_{name} {one.name}": getattr(one, name) for name in _PROFILED}
        about = {
            "method": draws.method,
            "table": list(draws.table),
            "profiles": _profiles_as_plain(posterior.profiles),
            "fit_sha256": hash_of_file(staged / "fit.npz"),
        }
        _write_pair(staged, _POSTERIOR, {**arrays, "numbers": numbers}, about)
        place_files(staged, directory, (*_FIT, *_POSTERIOR), mark="posterior.json")
    return directory


def load_fit(directory: Path) -> Fit:
    """Read a fit; see ``Fit.load``."""
    with reading(directory):
        return _read_fit(directory)


def load_posterior(directory: Path) -> Posterior:
    """Read a posterior and its fit; see ``Posterior.load``."""
    from cbhi.calibration.posterior import Posterior

    with reading(directory):
        arrays, about = _read_pair(directory, _POSTERIOR)
        fit = _read_fit(directory)
        whose = about.get("fit_sha256")
        if whose != hash_of_file(directory / "fit.npz"):
            raise ValueError(f"'{directory}': posterior.json and fit.npz are of two calibrations")
    path = directory / _POSTERIOR[0]
    effective_size, pareto_k, n_simulations = _array(path, arrays, "numbers", (3,)).tolist()
    n = len(arrays.get("log_weights", ()))
    shapes = ((n, fit.problem.n_parameters), (n,), (n, len(fit.targets)))
    points, log_weights, simulated = (
        _array(path, arrays, name, shape) for name, shape in zip(_DRAWN, shapes, strict=True)
    )
    draws = Draws(
        points=points,
        log_weights=log_weights,
        simulated=simulated,
        method=str(about.get("method", "")),
        effective_size=effective_size,
        pareto_k=pareto_k,
        n_simulations=int(n_simulations),
        table=tuple(dict(row) for row in about.get("table", ())),
    )
    return Posterior(fit=fit, draws=draws, profiles=_read_profiles(directory, arrays, about, fit))


def _profiles_as_plain(profiles: Profiles | None) -> dict[str, Any] | None:
    """Return what of profiles is no array."""
    if profiles is None:
        return None
    modes = {one.name: one.mode for one in profiles.profiles}
    return {"n_simulations": profiles.n_simulations, "modes": modes}


def _read_profiles(
    directory: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any], fit: Fit
) -> Profiles | None:
    """Return the profiles that a posterior was kept with, if there are any."""
    from cbhi.calibration.profiles import Profile, Profiles

    plain = about.get("profiles")
    if plain is None:
        return None
    path, found = directory / _POSTERIOR[0], []
    try:
        modes = {str(name): float(mode) for name, mode in plain["modes"].items()}
        n_simulations = int(plain["n_simulations"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError(f"'{directory / _POSTERIOR[1]}' is damaged: its profiles cannot be read") from None
    for name, mode in modes.items():
        if name not in fit.problem.names:
            raise ValueError(f"'{directory / _POSTERIOR[1]}' is damaged: '{name}' is no free parameter")
        n = len(arrays.get(f"profile_values {name}", ()))
        shapes = dict.fromkeys(_PROFILED, (n,)) | {"points": (n, fit.problem.n_parameters)}
        read = {part: _array(path, arrays, f"profile_{part} {name}", shapes[part]) for part in _PROFILED}
        found.append(Profile(name=name, mode=mode, **read))
    return Profiles(tuple(found), n_simulations)


def _write_pair(
    folder: Path, names: tuple[str, str], arrays: Mapping[str, Any], about: dict[str, Any]
) -> None:
    """Write arrays, then JSON that holds their hash."""
    with (folder / names[0]).open("wb") as file:
        write_npz(file, arrays)
    record = {
        "format_version": FORMAT_VERSION,
        "cbhi": importlib.metadata.version("cbhi"),
        "sha256": hash_of_file(folder / names[0]),
        **about,
    }
    text = json.dumps(record, indent=1, default=_plain, ensure_ascii=False)
    (folder / names[1]).write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Return numbers and arrays of NumPy as plain values for JSON."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} is no plain value and cannot be written; give text, numbers or lists")


def _write_fit(fit: Fit, folder: Path) -> None:
    problem, search = fit.problem, fit.search
    modes = (fit.mode, *search.modes)
    arrays = {
        "observed": problem.observed,
        "covariance": problem.covariance,
        "parts": np.stack(list(fit.parts.values())),
        "carried_jacobian": fit.carried_slopes,
        "history": search.history,
        **{
            f"modes_{part.name}": np.stack([np.asarray(getattr(mode, part.name)) for mode in modes])
            for part in fields(Mode)
        },
    }
    about = {
        "seed": problem.seed,
        "n_simulations": search.n_simulations,
        "parts": list(fit.parts),
        "priors": [_as_dict(prior) for prior in fit.priors],
        "carried": [_as_dict(prior) for prior in fit.carried],
        "targets": [_as_dict(target) for target in fit.targets],
        "settings": dict(fit.settings),
        "scenario": None if fit.scenario is None else scenario_to_plain(fit.scenario),
    }
    _write_pair(folder, ("fit.npz", "fit.json"), arrays, about)


def _as_dict(thing: Any) -> dict[str, Any]:
    plain: dict[str, Any] = thing.as_dict()
    return plain


def _read_pair(directory: Path, names: tuple[str, str]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return arrays and record, after their hash."""
    what = names[0].split(".")[0]
    for name in names:
        if not (directory / name).is_file():
            raise ValueError(f"'{directory}' holds no {what} of a calibration: there is no {name}")
    record = read_json(directory / names[1])
    if record.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"'{directory / names[1]}' has format {record.get('format_version')!r}; this cbhi reads"
            f" {FORMAT_VERSION}"
        )
    if record.get("sha256") != hash_of_file(directory / names[0]):
        raise ValueError(
            f"'{directory / names[0]}' was damaged or changed: its SHA-256 is not the one in {names[1]}"
        )
    return read_npz(directory / names[0]), record


def _array(path: Path, arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> F8:
    """Return an array of a file, refused where it is missing or of another shape."""
    found = arrays.get(name)
    if found is None or found.shape != shape:
        what = "is missing" if found is None else f"has shape {found.shape}, not {shape}"
        raise ValueError(f"'{path}' is damaged: array '{name}' {what}")
    return np.asarray(found, dtype=np.float64)


def _no_simulator(step: str, points: F8) -> F8:
    raise RuntimeError(
        f"a fit that was read from a folder has no simulator, so {len(points)} points of step '{step}' cannot"
        " be simulated; run the calibration again (with --resume it is answered from its checkpoint)"
    )


def _read_fit(directory: Path) -> Fit:
    from cbhi.calibration.priors import Prior
    from cbhi.calibration.targets import Target

    path = directory / _FIT[0]
    arrays, about = _read_pair(directory, _FIT)
    try:
        priors = tuple(Prior(**plain) for plain in about["priors"])
        carried = tuple(Prior(**plain) for plain in about["carried"])
        targets = tuple(Target(**plain) for plain in about["targets"])
        part_names = [str(name) for name in about["parts"]]
        seed, n_simulations = int(about["seed"]), int(about["n_simulations"])
        settings = dict(about["settings"])
        plain = about["scenario"]
        scenario = None if plain is None else scenario_from_plain(plain)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"'{directory / _FIT[1]}' is damaged: {error}") from None
    n, d = len(targets), len(priors)
    problem = Problem(
        names=tuple(prior.key for prior in priors),
        targets=tuple(target.name for target in targets),
        observed=_array(path, arrays, "observed", (n,)),
        covariance=_array(path, arrays, "covariance", (n, n)),
        evaluate=_no_simulator,
        seed=seed,
    )
    parts = _array(path, arrays, "parts", (len(part_names), n, n))
    best, *others = _read_modes(path, arrays, n, d)
    history = arrays.get("history", np.zeros(0))
    return Fit(
        problem=problem,
        search=ModeSearch(tuple(others), n_simulations, _array(path, arrays, "history", history.shape)),
        mode=best,
        priors=priors,
        targets=targets,
        parts=dict(zip(part_names, parts, strict=True)),
        carried=carried,
        carried_jacobian=_array(path, arrays, "carried_jacobian", (n, len(carried))),
        scenario=scenario,
        settings=settings,
    )


def _read_modes(path: Path, arrays: Mapping[str, NDArray[Any]], n: int, d: int) -> list[Mode]:
    """Return the polished mode and those of the search."""
    losses = arrays.get("modes_loss", np.zeros(0))
    if losses.ndim != 1 or not losses.size:
        raise ValueError(f"'{path}' is damaged: it holds no mode")
    count = len(losses)
    points = _array(path, arrays, "modes_point", (count, d))
    simulated = _array(path, arrays, "modes_simulated", (count, n))
    jacobians = _array(path, arrays, "modes_jacobian", (count, n, d))
    return [
        Mode(point=points[i], simulated=simulated[i], loss=float(losses[i]), jacobian=jacobians[i])
        for i in range(count)
    ]
