"""What the data say about each mechanism, in words that can be quoted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cbhi.calibration.wording import name_in_sentence, name_in_words, target_label, whose_figures
from cbhi.kernels.records import F8
from cbhi.words import listed

if TYPE_CHECKING:
    from cbhi.calibration.fit import Fit
    from cbhi.calibration.profiles import Profiles

__all__ = [
    "ASSUMPTION",
    "INFORMED",
    "MOVED",
    "PARTLY",
    "Verdict",
    "explain_fit",
    "explain_verdicts",
    "judge",
    "judge_all",
]

INFORMED, PARTLY, MOVED, ASSUMPTION = "informed", "partly informed", "moved", "remains assumption"
_INFORMED_BELOW, _PARTLY_BELOW = 0.5, 0.8
_PULLED = 1.0
"""Prior standard deviations beyond which the data are said to pull a parameter away from its prior."""
_FAR = 2.0
"""Prior standard deviations beyond which the data and the prior are said to disagree."""


@dataclass(frozen=True)
class Verdict:
    """How much the data say about one parameter.

    Attributes
    ----------
    name
        The parameter.
    word
        ``INFORMED``, ``PARTLY``, ``MOVED`` (pulled away from where the prior had it, without being pinned
        down) or ``ASSUMPTION``.
    left
        Standard deviation given the data over that of the prior.
    below, above
        The same as its profile tells on either side of the mode; not a number where there is no profile.
    shift
        How far the data moved it, prior standard deviations.
    is_carried
        Whether it was not explored, so that all is to first order.
    """

    name: str
    word: str
    left: float
    below: float
    above: float
    shift: float
    is_carried: bool = False

    @property
    def is_pulled(self) -> bool:
        """Whether the data pull the parameter away from where its prior had it."""
        return abs(self.shift) > _PULLED

    @property
    def is_contested(self) -> bool:
        """Whether the data pull the parameter to where its prior hardly expected it."""
        return abs(self.shift) > _FAR


def _word(left: float, shift: float) -> str:
    if left <= _INFORMED_BELOW:
        return INFORMED
    if left <= _PARTLY_BELOW:
        return PARTLY
    return MOVED if abs(shift) > _PULLED else ASSUMPTION


def judge(
    name: str,
    left: float,
    shift: float,
    below: float = math.nan,
    above: float = math.nan,
    carried: bool = False,
) -> Verdict:
    """Return the verdict on a parameter.

    Parameters
    ----------
    name
        The parameter.
    left
        Standard deviation given the data over that of the prior: at most 0.5 is informed (the data say at
        least three times what the prior does), at most 0.8 partly, above remains assumption.
    shift
        How far the data moved it, prior standard deviations: a parameter that moved by more than one is no
        mere assumption even where its spread is left.
    below, above
        What its profile says on either side, where it has one. Their mean counts where it is wider than the
        draws: a parameter that the profile leaves open on one side is informed in part at best.
    carried
        Whether it was not explored.
    """
    sides = 0.5 * (below + above)
    return Verdict(
        name,
        _word(left if math.isnan(sides) else max(left, sides), shift),
        left,
        below,
        above,
        shift,
        carried,
    )


def judge_all(
    names: Sequence[str], left: F8, shift: F8, profiles: Profiles | None, carried: bool = False
) -> tuple[Verdict, ...]:
    """Return a verdict on each parameter; see ``judge``."""
    verdicts = []
    for place, name in enumerate(names):
        below = above = math.nan
        if profiles is not None and name in profiles:
            below, above = profiles[name].sd_below, profiles[name].sd_above
        verdicts.append(judge(name, float(left[place]), float(shift[place]), below, above, carried))
    return tuple(verdicts)


def explain_verdicts(verdicts: Sequence[Verdict], n_targets: int, whose: str) -> str:
    """Return the sentence that may be quoted on what the data do and do not say.

    Parameters
    ----------
    verdicts
        On all parameters.
    n_targets
        Published figures that were fitted.
    whose
        Whose figures: ``"Rwanda"``.
    """
    free = [verdict for verdict in verdicts if not verdict.is_carried]
    groups = {
        word: [_named(verdict) for verdict in free if verdict.word == word]
        for word in (INFORMED, PARTLY, MOVED, ASSUMPTION)
    }
    several = n_targets != 1
    s = "" if several else "s"
    parts = []
    if groups[INFORMED]:
        parts.append(f"inform{s} {listed(groups[INFORMED])}")
    if groups[PARTLY]:
        parts.append(f"inform{s} in part {listed(groups[PARTLY])}")
    if groups[MOVED]:
        them = "them" if len(groups[MOVED]) > 1 else "it"
        parts.append(f"pull{s} {listed(groups[MOVED])} without pinning {them} down")
    if groups[ASSUMPTION]:
        ending = "there the results rest on the stated priors"
        parts.append(f"say{s} little or nothing about {listed(groups[ASSUMPTION])}: {ending}")
    said = f"; {'they' if several else 'it'} ".join(parts)
    figures = f"the {n_targets} published figures" if several else "the one published figure"
    text = f"Of {len(free)} fitted mechanism{'s' * (len(free) != 1)} {figures} of {whose} {said}."
    carried = [name_in_sentence(verdict.name) for verdict in verdicts if verdict.is_carried]
    if carried:
        several = len(carried) > 1
        text += (
            f" {_capital(listed(carried))} {'were' if several else 'was'} not fitted; doubt about"
            f" {'them' if several else 'it'} widens the bands."
        )
    contested = [
        f"{name_in_sentence(verdict.name)} ({verdict.shift:+.1f} prior standard deviations)"
        for verdict in verdicts
        if verdict.is_contested
    ]
    if contested:
        text += f" Data and prior disagree about {listed(contested)}."
    return text


def _named(verdict: Verdict) -> str:
    """Return a parameter's name for a sentence, with where the data pull it."""
    name = name_in_sentence(verdict.name)
    if verdict.word == MOVED:
        return f"{name} {'up' if verdict.shift > 0.0 else 'down'}"
    if verdict.word == PARTLY and verdict.is_pulled:
        return f"{name} (pulled {'up' if verdict.shift > 0.0 else 'down'})"
    return name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def explain_fit(fit: Fit) -> str:
    """Return, in plain language, what the targets say about each parameter, to first order at the mode."""
    found = fit.identifiability()
    verdicts = judge_all(found.names, found.sd, fit.mode.point, None)
    n, d = len(found.targets), len(found.names)
    labels = [f"{target_label(target)} {target.period}" for target in fit.targets]
    lines = [
        f"{n} published figure{'s hold' if n != 1 else ' holds'} information on about"
        f" {found.information:.1f} of {d} parameters; {found.n_informed} directions are informed more by the"
        " data than by the prior.",
        explain_verdicts(verdicts, n, whose_figures(fit)),
        f"Best informed: {found.direction(0)}. Weakest: {found.direction(-1)}.",
    ]
    for place, verdict in enumerate(verdicts):
        strongest = int(np.argmax(np.abs(found.bias[place])))
        lines.append(
            f"- {name_in_words(verdict.name)}: {verdict.word} ({100.0 * verdict.left:.0f} % of the prior's"
            f" spread is left); hangs most on '{labels[strongest]}', which, one standard error higher,"
            f" would move it by {found.bias[place, strongest]:+.2f} prior standard deviations."
        )
    return "\n".join(lines)
