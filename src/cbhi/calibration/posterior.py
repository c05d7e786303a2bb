"""The posterior: weighted draws in the parameters' own units, and everything that can be made of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.calibration.core import Draws
from cbhi.calibration.fit import Fit
from cbhi.kernels.records import F8

if TYPE_CHECKING:
    import pandas as pd

    from cbhi.calibration.calibration import Calibration
    from cbhi.calibration.forecasting import Forecast
    from cbhi.calibration.predictive import PredictiveChecks
    from cbhi.calibration.profiles import Profiles
    from cbhi.calibration.report import Report
    from cbhi.calibration.verdicts import Verdict
    from cbhi.results import Results
    from cbhi.scenarios import ParameterSets, Scenario
    from cbhi.tables import Table

__all__ = ["Fit", "Posterior"]


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Draws from the posterior of a fit.

    Attributes
    ----------
    fit
        What was fitted.
    draws
        Weighted draws in standardised space.
    profiles
        Profile likelihoods that are kept with it, and have a say in verdicts and report.
    """

    fit: Fit
    draws: Draws
    profiles: Profiles | None = None

    @functools.cached_property
    def samples(self) -> pd.DataFrame:
        """Parameters in their own units, a row a draw and a column a parameter; see ``weights``."""
        import pandas as pd

        return pd.DataFrame(
            {
                prior.key: np.asarray(prior.to_value(column), dtype=np.float64)
                for prior, column in zip(self.fit.priors, self.draws.points.T, strict=True)
            }
        )

    @property
    def weights(self) -> F8:
        """Weights of the draws, adding up to one, (draws,)."""
        return self.draws.weights

    @property
    def effective_size(self) -> float:
        """Draws from the posterior itself that would tell as much (Kish)."""
        return self.draws.effective_size

    @property
    def pareto_k(self) -> float:
        """Shape of the tail of the weights; above 0.7 they cannot be trusted."""
        return self.draws.pareto_k

    @property
    def n_simulations(self) -> int:
        """Points that were simulated for the draws; the search for modes is not counted."""
        return self.draws.n_simulations

    @functools.cached_property
    def _standardised(self) -> tuple[F8, F8]:
        from cbhi.calibration.weighted import weighted_mean_sd

        return weighted_mean_sd(self.draws.points, self.weights)

    @property
    def contraction(self) -> F8:
        """Standard deviation over that of the prior, in standardised space, (parameters,)."""
        return self._standardised[1]

    @property
    def shift(self) -> F8:
        """Mean less that of the prior, in prior standard deviations, (parameters,)."""
        return self._standardised[0]

    def correlations(self) -> pd.DataFrame:
        """Return correlations between parameters in standardised space."""
        import pandas as pd

        from cbhi.calibration.weighted import weighted_correlations

        names = list(self.fit.problem.names)
        found = weighted_correlations(self.draws.points, self.weights)
        return pd.DataFrame(found, index=names, columns=names)

    def quantiles(self, *shares: float) -> pd.DataFrame:
        """Return quantiles in the parameters' own units, a row a parameter and a column a share.

        Parameters
        ----------
        *shares
            Each from 0 to 1.
        """
        import pandas as pd

        from cbhi.calibration.weighted import weighted_quantiles

        # a quantile of a monotone transform is the transform of the quantile: no interpolation in odd units
        found = weighted_quantiles(self.draws.points, self.weights, shares)
        return pd.DataFrame(
            [
                np.asarray(prior.to_value(column), dtype=np.float64)
                for prior, column in zip(self.fit.priors, found.T, strict=True)
            ],
            index=list(self.fit.problem.names),
            columns=list(shares),
        )

    def _profiles(self, given: Profiles | None) -> Profiles | None:
        return self.profiles if given is None else given

    def verdicts(self, profiles: Profiles | None = None) -> tuple[Verdict, ...]:
        """Return what the data say about each parameter, explored ones first.

        Parameters
        ----------
        profiles
            Of ``fit.profiles()``, which then have a say; those kept with the posterior if not given.
        """
        from cbhi.calibration.ensemble import carried_given_targets, carried_sd
        from cbhi.calibration.verdicts import judge_all

        fit = self.fit
        kept = self._profiles(profiles)
        explored = judge_all(fit.problem.names, self.contraction, self.shift, kept)
        means, _ = carried_given_targets(fit.problem, fit.carried_slopes, self.draws.simulated)
        usable = np.asarray(np.isfinite(means).all(axis=1), dtype=np.bool_)
        weights = np.where(usable, self.weights, 0.0)
        shift = (weights / weights.sum()) @ np.where(usable[:, None], means, 0.0)
        names = [prior.key for prior in fit.carried]
        return (*explored, *judge_all(names, carried_sd(fit), shift, None, carried=True))

    def summary(self, profiles: Profiles | None = None) -> Table:
        """Return prior, posterior and verdict of each parameter as a table.

        Parameters
        ----------
        profiles
            Of ``fit.profiles()``, which then have a say; those kept with the posterior if not
            given, and without any it rests on the draws alone.
        """
        from cbhi.calibration.tables import summary_table

        return summary_table(self, self._profiles(profiles))

    def explain(self, profiles: Profiles | None = None) -> str:
        """Return the sentence that may be quoted on what the data do and do not say.

        Parameters
        ----------
        profiles
            Of ``fit.profiles()``, which then have a say; those kept with the posterior if not
            given, and without any it rests on the draws alone.
        """
        from cbhi.calibration.verdicts import explain_verdicts
        from cbhi.calibration.wording import whose_figures

        return explain_verdicts(self.verdicts(profiles), len(self.fit.targets), whose_figures(self.fit))

    def predictive_checks(self) -> PredictiveChecks:
        """Return each target beside what the fitted model would publish; no new simulation is needed."""
        from cbhi.calibration.predictive import check_predictions

        fit = self.fit
        return check_predictions(fit.problem, fit.mode, self.draws, fit.carried_slopes)

    def report(self, profiles: Profiles | None = None, forecast: Forecast | None = None) -> Report:
        """Return the report for a sceptical referee.

        Parameters
        ----------
        profiles
            Of ``fit.profiles()``, which then have a say; those kept with the posterior if not
            given, and without any it rests on the draws alone.
        forecast
            Of later figures, such as ``score`` gives, to report as well.
        """
        from cbhi.calibration.report import make_report

        return make_report(self, self._profiles(profiles), forecast)

    def to_frame(self) -> pd.DataFrame:
        """Return draws as one tidy table: weight, parameters, and what is simulated at each.

        Returns
        -------
        pandas.DataFrame
            Columns ``draw``, ``weight``, the parameters by key in their own units, and the targets by name as
            simulated, without errors.
        """
        import pandas as pd

        frame = self.samples.copy()
        frame.insert(0, "draw", np.arange(len(frame)))
        frame.insert(1, "weight", self.weights)
        simulated = pd.DataFrame(self.draws.simulated, columns=list(self.fit.problem.targets))
        return pd.concat([frame, simulated], axis=1)

    def to_arviz(self, *, chains: int = 4, draws: int = 250, seed: int | None = None) -> Any:
        """Return the posterior as ArviZ's ``InferenceData`` (0.x) or data tree (1.x).

        Parameters
        ----------
        chains, draws
            The weighted draws are resampled to so many pseudo-chains of so many equally weighted draws.
        seed
            Of the resampling; that of the problem if not given.

        Raises
        ------
        ModuleNotFoundError
            When ArviZ is not installed, with the line that installs it.
        """
        from cbhi.calibration.inference_data import to_arviz

        return to_arviz(self, chains=chains, draws=draws, seed=seed)

    def members(self, n: int = 200, *, seed: int | None = None) -> pd.DataFrame:
        """Return equally weighted sets of parameters, explored and carried, in an order that is random.

        Parameters
        ----------
        n
            How many.
        seed
            Of the choice and of the carried values; that of the problem if not given.

        Returns
        -------
        pandas.DataFrame
            A row a set, a column a parameter by key, in its own units.
        """
        import pandas as pd

        from cbhi.calibration.ensemble import draw_members

        fit = self.fit
        explored, carried = draw_members(fit, self.draws, n, fit.problem.seed if seed is None else seed)
        priors = (*fit.priors, *fit.carried)
        points = np.concatenate([explored, carried], axis=1)
        return pd.DataFrame(
            {
                prior.key: np.asarray(prior.to_value(column), dtype=np.float64)
                for prior, column in zip(priors, points.T, strict=True)
            }
        )

    def sets(
        self, n: int = 200, *, seed: int | None = None, about: Mapping[str, Any] | None = None
    ) -> ParameterSets:
        """Return equally weighted sets of parameters that a scenario can carry; see ``members``.

        Parameters
        ----------
        n, seed
            As for ``members``.
        about
            More to say of them, such as the command that made them, beside source, confidence, and the
            settings of the fit.
        """
        from cbhi.calibration.wording import whose_figures
        from cbhi.scenarios import ParameterSets

        fit, frame = self.fit, self.members(n, seed=seed)
        figures = f"{len(fit.targets)} published figure{'s' * (len(fit.targets) != 1)}"
        facts = {
            "source": f"fitted to {figures} of {whose_figures(fit)}",
            "confidence": "fitted",
            "draws": f"{n} equally weighted of an effective {self.effective_size:.0f} ({self.draws.method})",
            "seed": fit.problem.seed,
            **{key: value for key, value in fit.settings.items() if isinstance(value, (str, int, float))},
            **dict(about or {}),
        }
        texts = {key: str(value) for key, value in facts.items()}
        return ParameterSets(keys=tuple(frame.columns), values=frame.to_numpy(), about=texts)

    def scenario(self, n: int = 200, *, seed: int | None = None) -> Scenario:
        """Return the fitted scenario with sets of parameters, so that a run carries their doubt.

        Its own values are the mode, so that ``scenario().at_point()`` is the best fit.

        Parameters
        ----------
        n, seed
            As for ``members``.

        Raises
        ------
        ValueError
            When what was fitted is no scenario.
        """
        fit, fitted = self.fit, self.fit.scenario
        if fitted is None:
            raise ValueError("what was fitted is no scenario, so there is none to carry sets of parameters")
        best = fitted.replace(fit.point_values, name=fitted.name)
        told = dataclasses.replace(best, sources={**best.sources, **fit.point_sources})
        return told.with_sets(self.sets(n, seed=seed))

    def predict(self, scenario: Scenario | None = None, *, n: int = 100, **how: Any) -> Results:
        """Simulate a scenario under the posterior.

        Parameters
        ----------
        scenario
            Any that has the fitted parameters; the fitted one if not given.
        n
            Sets of parameters; each is run twice, so that chance and parameters can be told apart.
        **how
            ``households``, ``seed``, ``workers`` and the like of ``cbhi.simulate``.

        Returns
        -------
        Results
            With the set of parameters of each replicate.
        """
        from cbhi.simulation import simulate

        with_sets = self.scenario(n) if scenario is None else scenario.with_sets(self.sets(n))
        return simulate(with_sets, **{"replicates": 2 * n, **how})

    def score(self, calibration: Calibration, **how: Any) -> Forecast:
        """Predict figures that were not fitted, and score the predictions.

        Parameters
        ----------
        calibration
            With the later figures among its targets: all of them that this posterior was not fitted to are
            predicted.
        **how
            ``n``, ``executor`` and ``workers`` of ``cbhi.calibration.forecasting.forecast``.

        Returns
        -------
        Forecast
            With scores against carry-forward (continuous ranked probability) and coverage of the intervals.

        Raises
        ------
        ValueError
            When all figures of the calibration were fitted.

        Examples
        --------
        >>> early = cbhi.Calibration.read("rwanda", until=2008).fit().posterior()
        >>> early.score(cbhi.Calibration.read("rwanda")).summary()
        """
        from cbhi.calibration.forecasting import forecast

        fitted = set(self.fit.problem.targets)
        later = tuple(target for target in calibration.targets if target.name not in fitted)
        if not later:
            raise ValueError(
                "all figures of the calibration were fitted, so none is left to score a prediction of; fit"
                " the earlier ones only: cbhi.Calibration.read(name, until=year)"
            )
        return forecast(calibration, self, later, **how)

    def save(self, directory: str | Path) -> Path:
        """Write fit, draws and profiles to a folder: ``.npz`` and ``.json``, without pickles.

        Parameters
        ----------
        directory
            The folder, made if need be.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        from cbhi.calibration.keeping import save_posterior

        return save_posterior(self, Path(directory))

    @classmethod
    def load(cls, directory: str | Path) -> Posterior:
        """Read a posterior that ``save`` wrote; it has no simulator.

        Parameters
        ----------
        directory
            The folder.

        Raises
        ------
        ValueError
            When the folder holds no posterior, or its files are damaged or do not belong together.
        """
        from cbhi.calibration.keeping import load_posterior

        return load_posterior(Path(directory))
