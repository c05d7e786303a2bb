"""Posteriors: their own units, weights, members of the ensemble, verdicts and the report."""

from __future__ import annotations

import builtins
import re
from dataclasses import replace

import numpy as np
import pytest
from calibration_support import exact_draws, linear_fit, make_fit

import cbhi
from cbhi.calibration.ensemble import carried_given_targets, carried_sd
from cbhi.calibration.posterior import Posterior
from cbhi.calibration.profiles import Profiles
from cbhi.calibration.report import markdown_table
from cbhi.calibration.tables import profile_table
from cbhi.calibration.verdicts import (
    ASSUMPTION,
    INFORMED,
    MOVED,
    PARTLY,
    explain_verdicts,
    judge,
)
from cbhi.calibration.weighted import weighted_correlations, weighted_mean_sd, weighted_quantiles
from cbhi.calibration.wording import _IN_SENTENCES, name_in_sentence, name_in_words, significant
from cbhi.tables import Table


def _posterior(seed=1, n_draws=4000, **how):
    rng = np.random.default_rng(seed)
    fit = linear_fit(rng, **how)
    return Posterior(fit=fit, draws=exact_draws(fit, n_draws, rng))


def test_samples_are_in_the_parameters_own_units():
    posterior = _posterior()
    z = posterior.draws.points
    assert list(posterior.samples) == list(posterior.fit.problem.names)
    for place, prior in enumerate(posterior.fit.priors):
        np.testing.assert_allclose(posterior.samples.iloc[:, place], prior.mean + prior.sd * z[:, place])
    assert posterior.weights.sum() == pytest.approx(1.0)
    assert (posterior.effective_size, posterior.n_simulations) == (4000.0, 4000)


def test_moments_and_quantiles_are_those_of_the_linear_problem():
    posterior = _posterior(n_draws=40_000)
    found = posterior.fit.identifiability()
    np.testing.assert_allclose(posterior.contraction, found.sd, rtol=0.02)
    np.testing.assert_allclose(posterior.shift, posterior.fit.mode.point, atol=0.03)
    np.testing.assert_allclose(posterior.correlations(), found.correlations, atol=0.03)
    quantiles = posterior.quantiles(0.05, 0.95)
    for place, prior in enumerate(posterior.fit.priors):
        exact = prior.to_value(posterior.fit.mode.point[place] + 1.6448536 * found.sd[place])
        assert quantiles.loc[prior.key, 0.95] == pytest.approx(exact, abs=0.05 * prior.sd)


def test_one_tidy_table_holds_weights_parameters_and_what_is_simulated():
    posterior = _posterior(n_draws=50)
    frame = posterior.to_frame()
    assert list(frame)[:2] == ["draw", "weight"]
    assert len(frame) == 50
    np.testing.assert_array_equal(frame[list(posterior.fit.problem.targets)], posterior.draws.simulated)


def test_no_members_are_refused():
    with pytest.raises(ValueError, match="n must be at least 1"):
        _posterior(n_draws=5).members(0)


def test_members_are_a_fair_subset_in_any_beginning():
    posterior = _posterior(n_draws=4000)
    members = posterior.members(400)
    exact = posterior.fit.mode.point
    z = np.column_stack([p.to_z(members[p.key]) for p in posterior.fit.priors])
    sd = posterior.fit.identifiability().sd
    assert (np.abs(z[:100].mean(axis=0) - exact) < 4.0 * sd / 10.0).all()
    assert (np.abs(z.mean(axis=0) - exact) < 4.0 * sd / 20.0).all()
    assert members.equals(posterior.members(400))
    assert not members.equals(posterior.members(400, seed=8))


def test_carried_parameters_follow_their_joint_posterior():
    posterior = _posterior(seed=3, n_draws=30_000, n=8, d=3, n_carried=2)
    fit = posterior.fit
    everything = np.concatenate([fit.jacobian, fit.carried_slopes], axis=1)
    errors = fit.parts["published errors"]
    level = fit.mode.simulated - fit.jacobian @ fit.mode.point
    information = everything.T @ np.linalg.solve(errors, everything) + np.eye(5)
    covariance = np.linalg.inv(information)
    mean = covariance @ everything.T @ np.linalg.solve(errors, fit.problem.observed - level)
    members = posterior.members(20_000)
    z = np.column_stack([p.to_z(members[p.key]) for p in (*fit.priors, *fit.carried)])
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=0.03)
    np.testing.assert_allclose(carried_sd(fit), np.sqrt(np.diag(covariance))[3:], rtol=1e-9)


def test_carried_parameters_that_move_nothing_keep_their_prior():
    fit = linear_fit(np.random.default_rng(1))
    means, covariance = carried_given_targets(fit.problem, np.zeros((9, 2)), fit.mode.simulated[None, :])
    np.testing.assert_array_equal(means, np.zeros((1, 2)))
    np.testing.assert_array_equal(covariance, np.eye(2))


def test_verdicts_flip_when_the_data_become_informative():
    words = {}
    explained = {
        10.0: "say little or nothing about slope 0 and slope 1",
        1.0: "inform in part",
        0.1: "inform slope 0",
    }
    rng = np.random.default_rng(2)
    for error in (10.0, 1.0, 0.1):
        fit = make_fit(
            lambda z: z, lambda z: np.eye(2), np.full(2, 0.3 / (1.0 + error**2)),
            np.full(2, 0.3), error**2 * np.eye(2),
        )  # fmt: skip
        posterior = Posterior(fit=fit, draws=exact_draws(fit, 8000, rng))
        words[error] = {verdict.word for verdict in posterior.verdicts(fit.profiles())}
        assert explained[error] in posterior.explain()
    assert words == {10.0: {ASSUMPTION}, 1.0: {PARTLY}, 0.1: {INFORMED}}


@pytest.mark.parametrize(
    ("left", "below", "above", "word"),
    [
        (0.5, np.nan, np.nan, INFORMED),
        (0.51, np.nan, np.nan, PARTLY),
        (0.8, np.nan, np.nan, PARTLY),
        (0.81, np.nan, np.nan, ASSUMPTION),
        (0.3, 0.4, 0.55, INFORMED),
        (0.3, 0.2, 1.0, PARTLY),
        (0.3, np.inf, 0.2, ASSUMPTION),
        (0.7, 0.2, 0.2, PARTLY),
    ],
)
def test_the_wider_of_draws_and_profile_counts(left, below, above, word):
    assert judge("x", left, 0.0, below, above).word == word


@pytest.mark.parametrize(
    ("left", "shift", "word"),
    [
        (0.82, 1.4, MOVED),
        (0.82, -1.4, MOVED),
        (0.82, 1.0, ASSUMPTION),
        (0.79, 1.4, PARTLY),
        (0.4, 3.0, INFORMED),
    ],
)
def test_a_parameter_that_the_data_pull_away_is_no_mere_assumption(left, shift, word):
    assert judge("x", left, shift).word == word
    assert judge("x", left, shift, carried=True).word == word


def test_the_sentence_says_where_the_data_pull_a_parameter():
    verdicts = [
        judge("care.seek_quality", 0.82, 1.4),
        judge("a.price_slope", 0.9, -1.2),
        judge("a.peer_weight", 0.7, 1.1),
        judge("a.inertia", 0.7, 0.9),
        judge("care.cost_outpatient_rwf", 0.9, 0.1, carried=True),
    ]
    assert explain_verdicts(verdicts, 15, "Rwanda") == (
        "Of 4 fitted mechanisms the 15 published figures of Rwanda inform in part peer weight (pulled up) and"
        " inertia; they pull the response of care to its quality up and price slope down without pinning them"
        " down. The cost of a contact was not fitted; doubt about it widens the bands."
    )


def test_every_mechanism_of_a_shipped_calibration_has_words_for_sentences():
    calibration = cbhi.Calibration.read("rwanda")
    keys = [prior.key for prior in (*calibration.priors, *calibration.carried)]
    assert set(_IN_SENTENCES) == set(keys)
    assert len(set(_IN_SENTENCES.values())) == len(keys)
    assert name_in_sentence("a.price_slope") == "price slope"


def test_the_sentence_says_everything_and_nothing_twice():
    verdicts = [
        judge("a.price_slope", 0.2, 0.1),
        judge("a.inertia", 0.3, -2.5),
        judge("a.trust_weight", 0.95, 0.0),
        judge("b.saving", 1.0, 0.0, carried=True),
    ]
    text = explain_verdicts(verdicts, 15, "Rwanda")
    assert text == (
        "Of 3 fitted mechanisms the 15 published figures of Rwanda inform price slope and inertia; they say"
        " little or nothing about trust weight: there the results rest on the stated priors. Saving was not"
        " fitted; doubt about it widens the bands. Data and prior disagree about inertia (-2.5 prior standard"
        " deviations)."
    )


def test_the_summary_has_a_row_a_parameter_and_says_what_is_carried():
    posterior = _posterior(n_carried=1)
    table = posterior.summary(posterior.fit.profiles())
    assert [row[0] for row in table.rows] == [*posterior.fit.problem.names, "law.carried_0*"]
    assert table.rows[-1][5:7] == ("-", "-")
    sd = posterior.fit.identifiability().sd
    for row, mine in zip(table.rows, sd, strict=False):
        assert row[3] == f"{100 * mine:.0f} / {100 * mine:.0f}"


def test_the_report_holds_every_part_in_text_and_markdown():
    posterior = _posterior(n=12, d=3, n_carried=1)
    report = posterior.report(posterior.fit.profiles())
    text, markdown = str(report), report.as_markdown()
    for part in report.parts:
        assert part.title.split(",")[0] in " ".join(text.split())
        assert f"## {part.title}" in markdown
    assert report.says in " ".join(markdown.split("\n"))
    for fact in ("seed", "points for the mode", "points for profiles", "households", "failures"):
        assert fact in text
        assert f"| {fact} |" in markdown
    assert "neither fitted nor used to choose" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
    # every table of Markdown has rows of one width
    for block in re.findall(r"(?:^\|.*\n)+", markdown, flags=re.M):
        assert len({line.count("|") - line.count(r"\|") for line in block.splitlines()}) == 1


def test_the_table_of_profiles_says_what_is_not_settled_and_what_lies_below_the_mode():
    fit = linear_fit(np.random.default_rng(1))
    first, *others = fit.profiles().profiles
    rough = replace(first, last_gain=np.array([0.1, 0.5, 0.1, 0.1]), rise=first.rise - 0.5)
    notes = " ".join(profile_table(Profiles((rough, *others), 10)).notes)
    assert "still took off so many nats: slope 0 (0.50)." in notes
    assert "better than the mode: slope 0." in notes
    assert "slope 1" not in notes
    assert "nats: slope" not in " ".join(profile_table(fit.profiles(offsets=(-1.0, 1.0))).notes)


def test_the_report_warns_of_flat_directions_and_of_weights_that_cannot_be_trusted():
    posterior = _posterior(n=2, d=5, scale=20.0)
    bad = replace(posterior, draws=replace(posterior.draws, pareto_k=0.9))
    cautions = " ".join(bad.report().cautions)
    assert "More parameters than information" in cautions
    assert "Pareto k is 0.90" in cautions
    assert "Pareto" not in " ".join(posterior.report().cautions)


def test_the_report_is_written_with_its_picture(tmp_path):
    pytest.importorskip("matplotlib")
    posterior = _posterior()
    folder = posterior.report().save(tmp_path / "new" / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["calibration.png", "report.md"]
    assert (folder / "calibration.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "](calibration.png)" in (folder / "report.md").read_text(encoding="utf-8")


def test_the_report_is_written_without_matplotlib_too(tmp_path, monkeypatch):
    true_import = builtins.__import__

    def refuse(name, *arguments, **more):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return true_import(name, *arguments, **more)

    report = _posterior().report()
    monkeypatch.setattr(builtins, "__import__", refuse)
    report.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    assert "calibration.png" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_markdown_escapes_bars_and_joins_heads():
    table = Table(title="T", heads=(("a", "x"), ("", "y")), rows=(("b|c", "1"),), notes=("n",))
    assert markdown_table(table).splitlines() == [
        "## T", "", "| a | x y |", "|---|--:|", r"| b\|c | 1 |", "", "n  ",
    ]  # fmt: skip


def test_what_needs_a_scenario_says_so():
    with pytest.raises(ValueError, match="no scenario"):
        _posterior(n_draws=5).scenario(3)


def test_weighted_statistics_equal_repeated_draws():
    rng = np.random.default_rng(4)
    values, counts = rng.standard_normal((12, 3)), rng.integers(1, 5, 12)
    repeated = np.repeat(values, counts, axis=0)
    weights = counts / counts.sum()
    mean, sd = weighted_mean_sd(values, weights)
    np.testing.assert_allclose(mean, repeated.mean(axis=0))
    np.testing.assert_allclose(sd, repeated.std(axis=0))
    np.testing.assert_allclose(weighted_correlations(values, weights), np.corrcoef(repeated.T), atol=1e-12)
    equal = weighted_quantiles(values, np.full(12, 1 / 12), (0.1, 0.5, 0.9))
    np.testing.assert_allclose(equal, np.quantile(values, (0.1, 0.5, 0.9), axis=0, method="hazen"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1000.0, "1,000"),
        (0.0123456, "0.0123"),
        (-12.3456, "-12.3"),
        (0.0, "0"),
        (np.nan, "-"),
        (-np.inf, "-inf"),
        (123456.0, "123,000"),
        (9.996, "10.00"),
    ],
)
def test_numbers_have_three_figures_and_no_powers_of_ten(value, text):
    assert significant(value) == text


def test_names_in_words():
    assert name_in_words("mandate.mobilisation_weight") == "mobilisation weight"
