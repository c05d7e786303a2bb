"""The tables of a calibration's report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cbhi.calibration.identifiability import parts_of
from cbhi.calibration.wording import name_in_words, significant, target_label, target_scale
from cbhi.tables import Scale, Table

if TYPE_CHECKING:
    from cbhi.calibration.fit import Described, Fit
    from cbhi.calibration.identifiability import Identifiability
    from cbhi.calibration.posterior import Posterior
    from cbhi.calibration.predictive import PredictiveChecks
    from cbhi.calibration.profiles import Profiles

__all__ = [
    "bias_table",
    "correlation_table",
    "covariance_table",
    "direction_table",
    "draws_table",
    "fit_table",
    "modes_table",
    "predictive_table",
    "profile_table",
    "summary_table",
]

_OWN_UNITS = "5 to 95 %: quantiles; every parameter in its own unit (`cbhi show KEY`)."


def _name(target: Described) -> str:
    """Return the label of a target with its unit."""
    scale = target_scale(target)
    return f"{target_label(target)}, {scale.unit}" if scale.unit else target_label(target)


def _two(value: float) -> str:
    return "-" if math.isnan(value) else f"{value + 0.0:.2f}"


def _signed(value: float) -> str:
    return "-" if math.isnan(value) else f"{round(value, 2) + 0.0:+.2f}"


def _probability(value: float) -> str:
    if math.isnan(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def fit_table(fit: Fit) -> Table:
    """Return each target beside what is simulated at the mode, and with carried parameters at their mean."""
    simulated, shifted = fit.mode.simulated, fit.point_simulated
    total = np.sqrt(np.diag(fit.problem.covariance))
    gaps = simulated - fit.problem.observed
    rows = []
    for place, target in enumerate(fit.targets):
        show = target_scale(target).show
        cells = [
            _name(target),
            target.period,
            show(float(fit.problem.observed[place])),
            show(target.sd),
            show(float(total[place])),
            show(float(simulated[place])),
            _signed(float(gaps[place]) / float(total[place])),
        ]
        if fit.carried:
            gap = float(shifted[place] - fit.problem.observed[place])
            cells += [show(float(shifted[place])), _signed(gap / target.sd)]
        rows.append(tuple(cells))
    far = [
        f"{_name(target)} {target.period}"
        for target, gap, sd in zip(fit.targets, gaps, total, strict=True)
        if abs(gap) > 2.0 * sd
    ]
    heads: tuple[tuple[str, ...], ...] = (
        ("", "year", "published", "s.e.", "all errors", "simulated", "gap in"),
        ("", "", "", "", "joined", "", "all errors"),
    )
    notes: tuple[str, ...] = (
        "s.e.: standard error of the published figure.  all errors joined: with the simulator's noise,"
        " the model's discrepancy and parameters that are carried along.",
        f"{len(rows) - len(far)} of {len(rows)} figures within two of all errors joined"
        + (f"; outside: {', '.join(far)}" if far else ""),
    )
    if fit.carried:
        heads = ((*heads[0], "with carried", "gap in"), (*heads[1], "ones fitted", "s.e."))
        notes = (
            *notes,
            "simulated: carried parameters at the centre of their priors.  with carried ones fitted: at their"
            " mean given the figures, to first order, as in the scenario and its sets.",
        )
    return Table(
        title="Fit against each target, at the mode", heads=heads, rows=tuple(rows), notes=notes, n_labels=2
    )


def covariance_table(fit: Fit) -> Table:
    """Return the parts of the covariance as standard deviations of each target."""
    names = list(fit.parts)
    rows = []
    for place, target in enumerate(fit.targets):
        scale = target_scale(target)
        # one decimal more than the figure has, for small parts
        finer = Scale(scale.factor, scale.unit, scale.decimals + 1)
        parts = [finer.show(math.sqrt(max(float(fit.parts[name][place, place]), 0.0))) for name in names]
        total = finer.show(math.sqrt(float(fit.problem.covariance[place, place])))
        rows.append((_name(target), target.period, *parts, total))
    off = fit.problem.covariance - np.diag(np.diag(fit.problem.covariance))
    shared = "Errors of different figures are independent." if not off.any() else (
        "Errors of different figures are correlated: carried parameters and chance move several of them."
    )  # fmt: skip
    return Table(
        title="What the doubt about each figure is made of (standard deviations; their squares add up)",
        heads=(("", "year", *names, "all joined"),),
        rows=tuple(rows),
        notes=(shared,),
        n_labels=2,
    )


def summary_table(posterior: Posterior, profiles: Profiles | None = None) -> Table:
    """Return prior, posterior and verdict of each parameter."""
    fit = posterior.fit
    levels = (0.5, 0.05, 0.95)
    found = posterior.quantiles(*levels)
    z = np.array([0.0, -1.6448536269514722, 1.6448536269514722])
    rows = []
    for verdict in posterior.verdicts(profiles):
        carried = verdict.is_carried
        prior = next(p for p in (*fit.priors, *fit.carried) if p.key == verdict.name)
        before = [significant(float(value)) for value in np.asarray(prior.to_value(z))]
        after = (
            [significant(float(value)) for value in found.loc[verdict.name].to_numpy(dtype=float)]
            if not carried
            else [""] * 3
        )
        sides = [
            f"{100.0 * side:.0f}" if math.isfinite(side) else "-" for side in (verdict.below, verdict.above)
        ]
        rows.append(
            (
                prior.key + ("*" if carried else ""),
                f"{100.0 * verdict.left:.0f}",
                _signed(verdict.shift),
                "-" if carried or profiles is None else f"{sides[0]} / {sides[1]}",
                verdict.word,
                f"{after[1]} to {after[2]}" if not carried else "-",
                after[0] or "-",
                before[0],
                f"{before[1]} to {before[2]}",
            )
        )
    return Table(
        title="What the data say about each mechanism",
        heads=(
            ("", "spread", "moved", "profile", "", "posterior", "posterior", "prior", "prior"),
            ("", "left, %", "by", "-/+, %", "verdict", "5 to 95 %", "median", "median", "5 to 95 %"),
        ),
        rows=tuple(rows),
        notes=(
            _OWN_UNITS,
            "spread left: posterior over prior standard deviation, on the scale on which the prior is normal."
            "  moved by: shift of the mean in prior standard deviations.  profile: spread left as the profile"
            " likelihood tells below and above the mode.",
            "informed: at most 50 % of the prior's spread is left, by draws and profile alike; partly: at"
            " most 80 %; moved: pulled by more than one prior standard deviation without being pinned down;"
            " else the parameter remains an assumption.",
            *(
                (
                    "*: carried, not explored; its doubt is part of the errors, and members of the ensemble"
                    " vary in it.",
                )
                if fit.carried
                else ()
            ),
        ),
    )


def direction_table(found: Identifiability) -> Table:
    """Return the eigenvalues of the Fisher information and their directions in words."""
    rows = []
    for place, value in enumerate(found.eigenvalues):
        say = "data" if value > 1.0 else ("prior" if value < 0.1 else "both")
        left = 100.0 / math.sqrt(1.0 + float(value))
        parts = parts_of(found.names, found.directions[:, place])
        rows.append((str(place + 1), parts, significant(float(value)), f"{left:.0f}", say))
    return Table(
        title="Directions that the targets tell apart, best first (Fisher information)",
        heads=(("", "direction", "eigenvalue", "left, %", "speaks"),),
        rows=tuple(rows),
        notes=(
            f"{found.n_informed} of {len(found.names)} directions are informed more by the data than by the"
            f" prior (eigenvalue above 1), {found.n_flat} are flat (below 0.1). All figures together are"
            f" worth {found.information:.1f} parameters.",
            "left: of the prior's spread along it.  speaks: the data, the prior, or both about evenly.",
            "To first order at the mode; one unit is one prior standard deviation; the three largest parts of"
            " each direction.",
        ),
        n_labels=2,
    )


def correlation_table(posterior: Posterior, at_least: float = 0.4, at_most: int = 12) -> Table:
    """Return the pairs of parameters that the data do not tell apart."""
    frame = posterior.correlations()
    names, values = list(frame.columns), frame.to_numpy()
    above, right = np.triu_indices(len(names), 1)
    order = np.argsort(-np.abs(values[above, right]), kind="stable")
    pairs = [(int(above[i]), int(right[i])) for i in order if abs(values[above[i], right[i]]) >= at_least]
    rows = [
        (
            name_in_words(names[i]),
            name_in_words(names[j]),
            _signed(float(values[i, j])),
            "one stands in for the other" if values[i, j] < 0.0 else "they move together",
        )
        for i, j in pairs[:at_most]
    ]
    title = f"Parameters that the data tie together (posterior correlation of {at_least:g} or more)"
    note = f"{len(pairs)} pairs of {len(above)}." if pairs else f"None of {len(above)} pairs."
    return Table(
        title=title,
        heads=(("", "", "correlation", ""),),
        rows=tuple(rows),
        notes=(note,),
        n_labels=2,
    )


def bias_table(fit: Fit) -> Table:
    """Return how far each parameter would move were a target published one standard error too high."""
    found = fit.identifiability()
    rows = [
        (_name(target), target.period, *(_signed(value) for value in found.bias[:, place].tolist()))
        for place, target in enumerate(fit.targets)
    ]
    heads = ("", "year", *(name_in_words(name) for name in found.names))
    return Table(
        title="If a figure were published one standard error too high, parameters would come out too high by",
        heads=(heads,),
        rows=tuple(rows),
        notes=(
            "In prior standard deviations, to first order (Andrews, Gentzkow and Shapiro 2017). A mistake of"
            " another size moves it in proportion.",
        ),
        n_labels=2,
    )


def profile_table(profiles: Profiles) -> Table:
    """Return how much worse all fits when one parameter is held away from the mode."""
    rows = []
    for one in profiles.profiles:
        for value, rise, expected in zip(one.values, one.rise, one.expected, strict=True):
            rows.append(
                (
                    name_in_words(one.name),
                    _signed(float(value - one.mode)),
                    _signed(float(value)),
                    significant(float(rise), 3),
                    significant(float(expected), 3),
                )
            )
    rough = [
        f"{name_in_words(one.name)} ({significant(one.largest_gain, 2)})"
        for one in profiles.profiles
        if not one.is_settled
    ]
    better = [name_in_words(one.name) for one in profiles.profiles if one.better_mode > 0.1]
    notes = [
        "rise: loss above the mode in nats (2 nats are as bad as two standard errors), all other parameters"
        " fitted again.  if linear: what a linear model would give; far less means that the data say less"
        " than the linear figures claim.",
        f"{profiles.n_simulations} points.",
    ]
    if rough:
        notes.append("Upper limits, for the last step still took off so many nats: " + ", ".join(rough) + ".")
    if better:
        notes.append(f"A refit found a point better than the mode: {', '.join(better)}.")
    return Table(
        title="Profile likelihoods",
        heads=(("held", "from mode", "at", "rise", "if linear"),),
        rows=tuple(rows),
        notes=tuple(notes),
        say_once=True,
    )


def predictive_table(fit: Fit, checks: PredictiveChecks) -> Table:
    """Return each target beside what the fitted model would publish."""
    rows = []
    for place, target in enumerate(fit.targets):
        show = target_scale(target).show
        rows.append(
            (
                _name(target),
                target.period,
                show(float(checks.observed[place])),
                show(float(checks.median[place])),
                f"{show(float(checks.low[place]))} to {show(float(checks.high[place]))}",
                _probability(float(checks.tail[place])),
                _probability(float(checks.left_out[place])),
            )
        )
    worst = fit.targets[checks.worst]
    notes = [
        "fitted: probability that the fitted model publishes a figure as far out (the figure helped to fit"
        " it).  left out: the same when it is predicted from all other figures.",
        f"{checks.n_within} of {len(rows)} figures lie in their 5 to 95 % band. Worst: {target_label(worst)}"
        f" {worst.period}; the worst of {len(rows)} would be at least as bad with probability"
        f" {_probability(checks.worst_probability)}.",
        f"All together: chi-square {checks.chi_square:.1f} on {len(rows)} degrees of freedom, prior included"
        f" (probability of more: {_probability(checks.probability)}); figures made by the fitted model lie"
        f" further out than the published ones with probability {_probability(checks.realised)}.",
    ]
    if checks.n_first_order:
        notes.append(
            f"left out: for {checks.n_first_order} of {len(rows)} figures to first order at the mode, for the"
            " draws cannot tell."
        )
    return Table(
        title="Could the fitted model have published these figures? (posterior predictive checks)",
        heads=(
            ("", "year", "published", "predicted", "5 to 95 %", "probability", "probability"),
            ("", "", "", "median", "", "fitted", "left out"),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        n_labels=2,
    )


def modes_table(fit: Fit) -> Table:
    """Return all local modes that were found."""
    best = fit.modes[0].loss if fit.modes else fit.loss
    rows = []
    for number, mode in enumerate(fit.modes):
        far = np.argsort(-np.abs(mode.point - fit.mode.point))[:3]
        where = ", ".join(
            f"{name_in_words(fit.problem.names[int(i)])} {_signed(float(mode.point[i] - fit.mode.point[i]))}"
            for i in far
        )
        rows.append(
            (str(number + 1), _two(mode.loss), _signed(mode.loss - best), where if number else "best")
        )
    return Table(
        title="Local modes within five nats of the best",
        heads=(("", "loss, nats", "above best", "where it differs most, prior standard deviations"),),
        rows=tuple(rows),
        notes=(
            f"{fit.search.n_simulations} points searched; loss of the polished mode {_two(fit.loss)} nats.",
        ),
    )


def draws_table(posterior: Posterior) -> Table:
    """Return how the draws were made, batch by batch."""
    draws = posterior.draws
    columns = list(dict.fromkeys(key for row in draws.table for key in row))
    rows = [tuple(_cell(row.get(column)) for column in columns) for row in draws.table]
    return Table(
        title=f"How the draws were made: {draws.method}",
        heads=(tuple(column.replace("_", " ") for column in columns),) if columns else (),
        rows=tuple(rows),
        notes=(
            f"{len(draws.points)} draws, worth {draws.effective_size:.0f} from the posterior itself; Pareto k"
            f" {_two(draws.pareto_k)} (at most 0.7 can be trusted); {draws.n_simulations} points simulated.",
        ),
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return significant(value) if isinstance(value, float) else str(value)
