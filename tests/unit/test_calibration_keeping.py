"""Fits and posteriors in a folder: read back bit for bit, and refused when in doubt."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from calibration_support import exact_draws, linear_fit

import cbhi
from cbhi.calibration.fit import Fit
from cbhi.calibration.posterior import Posterior
from cbhi.calibration.priors import Prior
from cbhi.calibration.targets import fit_targets
from cbhi.storage import hash_of_file

_ABOUT = {"source": "a test", "confidence": "assumption"}
_KEYS = ("enrolment.inertia", "care.seek_price", "mandate.mobilisation_weight")


@pytest.fixture(scope="module")
def posterior():
    """Return the posterior of a linear stand-in for three parameters of Rwanda."""
    rng = np.random.default_rng(1)
    targets = fit_targets("rwanda")[:9]
    linear = linear_fit(rng, n=9, d=3, n_carried=1, sd=0.05)
    observed = np.array([target.value for target in targets])
    level = observed - linear.problem.observed
    problem = replace(
        linear.problem, names=_KEYS, targets=tuple(target.name for target in targets), observed=observed
    )
    mode = replace(linear.mode, simulated=linear.mode.simulated + level)
    fit = Fit(
        problem=problem,
        search=replace(
            linear.search, modes=(mode, replace(mode, point=mode.point + 0.5, loss=mode.loss + 2.0))
        ),
        mode=mode,
        priors=(
            Prior.normal(_KEYS[0], 1.5, 0.7, **_ABOUT),
            Prior.lognormal(_KEYS[1], 2.0, 0.3, **_ABOUT),
            Prior.uniform(_KEYS[2], 0.5, 4.0, **_ABOUT),
        ),
        targets=targets,
        parts=linear.parts,
        carried=(Prior.beta("income.premium_saving_share", 2.0, 5.0, **_ABOUT),),
        carried_jacobian=linear.carried_jacobian,
        scenario=cbhi.scenario("rwanda-rules"),
        settings={"households": np.int64(300), "failures": 0, "noise_limited_targets": ["one"]},
    )
    draws = exact_draws(linear, 500, rng)
    return Posterior(fit=fit, draws=replace(draws, simulated=draws.simulated + level))


def test_what_is_read_back_is_what_was_written_bit_for_bit(posterior, tmp_path):
    folder = posterior.save(tmp_path / "a" / "b")
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [
        "fit.json", "fit.npz", "posterior.json", "posterior.npz",
    ]  # fmt: skip
    again = Posterior.load(folder)
    assert again.samples.equals(posterior.samples)
    assert again.members(50).equals(posterior.members(50))
    np.testing.assert_array_equal(again.draws.log_weights, posterior.draws.log_weights)
    assert (again.effective_size, again.pareto_k) == (500.0, -np.inf)
    ours, theirs = posterior.fit, again.fit
    assert (theirs.priors, theirs.carried, theirs.targets) == (ours.priors, ours.carried, ours.targets)
    assert theirs.loss == ours.loss
    assert len(theirs.modes) == 2
    np.testing.assert_array_equal(theirs.modes[1].point, ours.modes[1].point)
    np.testing.assert_array_equal(theirs.fisher(), ours.fisher())
    assert theirs.scenario.fingerprint() == ours.scenario.fingerprint()
    assert theirs.settings == {"households": 300, "failures": 0, "noise_limited_targets": ["one"]}
    # the same report, word for word
    assert str(again.report()) == str(posterior.report())


def test_profiles_are_kept_so_that_the_report_can_be_rendered_again(posterior, tmp_path):
    parabolas = linear_fit(np.random.default_rng(1), n=9, d=3, n_carried=1, sd=0.05).profiles()
    named = (
        replace(one, name=key, last_gain=np.array([np.inf, 0.0, 0.1, 0.0]))
        for one, key in zip(parabolas.profiles[:2], _KEYS, strict=False)
    )
    profiles = replace(parabolas, profiles=tuple(named))
    with_them = replace(posterior, profiles=profiles)
    again = Posterior.load(with_them.save(tmp_path))
    assert again.profiles is not None
    assert again.profiles.n_simulations == profiles.n_simulations
    for ours, theirs in zip(profiles.profiles, again.profiles.profiles, strict=True):
        assert (theirs.name, theirs.mode) == (ours.name, ours.mode)
        for part in ("values", "rise", "expected", "points", "last_gain"):
            np.testing.assert_array_equal(getattr(theirs, part), getattr(ours, part))
    assert str(again.report()) == str(with_them.report()) == str(posterior.report(profiles))
    assert "Profile likelihoods" in str(again.report())
    assert again.explain() == posterior.explain(profiles)
    _change(tmp_path, "posterior", lambda record: record["profiles"]["modes"].update({"no.such": 0.0}))
    with pytest.raises(ValueError, match=r"posterior\.json' is damaged: 'no\.such' is no free parameter"):
        Posterior.load(tmp_path)
    _change(tmp_path, "posterior", lambda record: record["profiles"].pop("modes"))
    with pytest.raises(ValueError, match="its profiles cannot be read"):
        Posterior.load(tmp_path)


def test_a_fit_is_kept_alone_and_answers_without_a_simulator(posterior, tmp_path):
    fit = Fit.load(posterior.fit.save(tmp_path))
    assert fit.explain() == posterior.fit.explain()
    assert str(fit.table()) == str(posterior.fit.table())
    with pytest.raises(RuntimeError, match="has no simulator"):
        fit.profiles()
    with pytest.raises(ValueError, match=r"holds no posterior of a calibration: there is no posterior\.npz"):
        Posterior.load(tmp_path)


def test_files_of_two_calibrations_are_not_read_as_one(posterior, tmp_path):
    posterior.save(tmp_path)
    replace(posterior.fit, settings={"households": 1}).save(tmp_path)
    assert Posterior.load(tmp_path).fit.settings == {"households": 1}
    other = replace(posterior.fit, mode=replace(posterior.fit.mode, loss=9.0))
    other.save(tmp_path)
    with pytest.raises(ValueError, match="of two calibrations"):
        Posterior.load(tmp_path)


@pytest.mark.parametrize("name", ["fit.npz", "posterior.npz"])
def test_damage_is_refused(posterior, tmp_path, name):
    posterior.save(tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(bytes(content))
    with pytest.raises(ValueError, match=f"{name}' was damaged or changed"):
        Posterior.load(tmp_path)


class _Trap:
    """Fails whatever test unpickles it."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def _change(folder, name, change):
    """Change a record; where it stands for arrays, its hash still fits them."""
    path = folder / f"{name}.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(format_version=99), "has format 99; this cbhi reads 1"),
        (lambda r: r.pop("targets"), "is damaged: 'targets'"),
        (lambda r: r["priors"][0].update(family="norml"), "is damaged: .*did you mean 'normal'"),
        (lambda r: r["targets"].pop(), "array 'observed' has shape"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(posterior, tmp_path, change, message):
    posterior.save(tmp_path)
    _change(tmp_path, "fit", change)
    with pytest.raises(ValueError, match=message):
        Fit.load(tmp_path)


def test_pickles_are_never_read(posterior, tmp_path):
    posterior.save(tmp_path)
    with (tmp_path / "fit.npz").open("wb") as file:
        np.savez(file, observed=np.array([_Trap()], dtype=object))
    _change(tmp_path, "fit", lambda r: r.update(sha256=hash_of_file(tmp_path / "fit.npz")))
    with pytest.raises(ValueError, match="pickled Python objects"):
        Fit.load(tmp_path)


def test_settings_that_are_no_plain_values_are_refused_and_nothing_is_left(posterior, tmp_path):
    with pytest.raises(TypeError, match="no plain value"):
        replace(posterior.fit, settings={"command": object()}).save(tmp_path)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_members_stay_in_the_range_of_their_parameters_and_make_sets_of_a_scenario(posterior):
    sets = posterior.sets(40, about={"command": "cbhi calibrate test"})
    assert len(sets) == 40
    assert sets.keys == (*_KEYS, "income.premium_saving_share")
    assert (sets.values[:, 2] >= 0.5).all()
    assert (sets.values[:, 2] <= 4.0).all()
    assert sets.about["confidence"] == "fitted"
    assert sets.about["command"] == "cbhi calibrate test"
    assert "9 published figures of Rwanda" in sets.about["source"]
    scenario = posterior.scenario(5)
    assert scenario.sets == posterior.sets(5)
    first = scenario.of_set(0).values["enrolment.inertia"]
    assert first == posterior.members(5)["enrolment.inertia"][0]


def test_predictions_carry_the_doubt_about_the_parameters(posterior):
    short = posterior.fit.scenario.replace(end="2001-12")
    results = posterior.predict(short, n=2, households=250, seed=3)
    assert results.n_replicates == 4
    assert sorted(set(results.param_sets.tolist())) == [0, 1]
    alone = cbhi.simulate(short.with_sets(posterior.sets(2)).of_set(1), households=250, replicates=3, seed=3)
    np.testing.assert_array_equal(
        results.values("coverage_end_share")[2], alone.values("coverage_end_share")[2]
    )


def test_a_posterior_stands_where_a_scenario_can(posterior):
    results = cbhi.simulate(posterior, households=250, replicates=4, seed=2)
    assert results.scenario.sets == posterior.sets()
    assert results.param_sets.tolist() == [0, 0, 1, 1]


def test_figures_that_were_not_fitted_are_scored(posterior):
    calibration = cbhi.Calibration(
        "rwanda-rules", posterior.fit.priors, fit_targets("rwanda")[:10], carried=posterior.fit.carried,
        households=250, replicates=1,
    )  # fmt: skip
    found = posterior.score(calibration, n=4, executor="serial")
    assert [target.name for target in found.later] == [fit_targets("rwanda")[9].name]
    assert found.draws.shape == (4, 1)
    with pytest.raises(ValueError, match="all figures of the calibration were fitted"):
        posterior.score(calibration.replace(targets=posterior.fit.targets))


def test_every_figure_of_rwanda_has_words_and_a_unit(posterior):
    text = str(posterior.fit.table())
    assert "members, official, %" in text
    assert "cbhi_coverage_pop" not in text
