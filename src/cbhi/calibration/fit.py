"""What a calibration found: the mode, how the targets shape it, and the way to the posterior."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from cbhi.calibration.core import Mode, ModeSearch, Problem
from cbhi.kernels.records import F8

if TYPE_CHECKING:
    from cbhi.calibration.identifiability import Identifiability
    from cbhi.calibration.posterior import Posterior
    from cbhi.calibration.profiles import Profile, Profiles
    from cbhi.scenarios import Scenario
    from cbhi.tables import Table

__all__ = ["Described", "Fit", "Scaled"]


class Described(Protocol):
    """A target, as far as a report needs to know it."""

    @property
    def name(self) -> str:
        """Unique name."""

    @property
    def unit(self) -> str:
        """Unit of the figure."""

    @property
    def period(self) -> str:
        """Reporting year."""

    @property
    def value(self) -> float:
        """Published figure, in that unit."""

    @property
    def sd(self) -> float:
        """Its standard error, in the same unit."""

    @property
    def source(self) -> str:
        """Where it was published."""

    @property
    def confidence(self) -> str:
        """How sure that is."""


class Scaled(Protocol):
    """A prior, as far as a report needs to know it: a parameter and its standardised scale."""

    @property
    def key(self) -> str:
        """Full key of the parameter."""

    @property
    def source(self) -> str:
        """Where the prior comes from."""

    @property
    def confidence(self) -> str:
        """How sure that is."""

    def to_value(self, z: Any) -> Any:
        """Return values of the parameter at standardised ones."""

    def to_z(self, value: Any) -> Any:
        """Return standardised values."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The result of fitting: the best parameters and what the targets say about them.

    Attributes
    ----------
    problem
        Targets, the final covariance and the simulator.
    search
        What the search for modes found.
    mode
        The best point, with a derivative by central differences.
    priors
        Of the free parameters, in the order of ``problem.names``.
    targets
        In the order of ``problem.targets``.
    parts
        Named parts of the covariance, each (targets, targets), which add up to it.
    carried
        Priors of the parameters that were not explored but whose doubt is part of the covariance.
    carried_jacobian
        Change of each target for one prior standard deviation of each of those, (targets, carried).
    scenario
        What was fitted, or nothing where the simulator is no scenario.
    settings
        Plain values: households, replicates, seed, counts of simulations, failures, versions.
    """

    problem: Problem
    search: ModeSearch
    mode: Mode
    priors: tuple[Scaled, ...]
    targets: tuple[Described, ...]
    parts: Mapping[str, F8]
    carried: tuple[Scaled, ...] = ()
    carried_jacobian: F8 | None = None
    scenario: Scenario | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together.

        Raises
        ------
        ValueError
            When names, shapes or the parts of the covariance do not fit each other.
        """
        problem, n = self.problem, len(self.problem.targets)
        if tuple(prior.key for prior in self.priors) != problem.names:
            raise ValueError("priors are wanted in the order of the parameters of the problem")
        if tuple(target.name for target in self.targets) != problem.targets:
            raise ValueError("targets are wanted in the order of the targets of the problem")
        wanted = (n, problem.n_parameters)
        if self.mode.jacobian.shape != wanted:
            raise ValueError(f"the derivative at the mode has shape {self.mode.jacobian.shape}, not {wanted}")
        slopes = self.carried_slopes
        if slopes.shape != (n, len(self.carried)):
            raise ValueError(
                f"carried_jacobian has shape {slopes.shape}, not {(n, len(self.carried))}: a column a carried"
                " parameter"
            )
        if not np.allclose(
            sum(self.parts.values(), np.zeros((n, n))), problem.covariance, rtol=1e-6, atol=0.0
        ):
            raise ValueError(f"the parts of the covariance ({', '.join(self.parts)}) do not add up to it")

    def close(self) -> None:
        """Stop the workers and let others use the checkpoint; what is simulated after that takes both again.

        A fit that nobody has any more is closed by itself.
        """
        close = getattr(self.problem.evaluate, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        """Return itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def carried_slopes(self) -> F8:
        """Change of each target for one prior deviation of each carried parameter, (targets, carried)."""
        if self.carried_jacobian is None:
            return np.zeros((len(self.problem.targets), 0))
        return np.asarray(self.carried_jacobian, dtype=np.float64)

    @property
    def loss(self) -> float:
        """Minus the log of the posterior density at the mode but for a constant, nats."""
        return self.mode.loss

    @property
    def modes(self) -> tuple[Mode, ...]:
        """All local modes within five nats of the best, as the search found them."""
        return self.search.modes

    @property
    def jacobian(self) -> F8:
        """Change of each target for one prior standard deviation of each parameter, (targets, parameters)."""
        return self.mode.jacobian

    @property
    def errors(self) -> F8:
        """Standard errors of the published figures, (targets,)."""
        return np.array([target.sd for target in self.targets], dtype=np.float64)

    @property
    def values(self) -> dict[str, float]:
        """The mode in the parameters' own units."""
        return {
            prior.key: float(prior.to_value(z)) for prior, z in zip(self.priors, self.mode.point, strict=True)
        }

    @property
    def point_simulated(self) -> F8:
        """What the mode gives with carried parameters at their mean there, to first order, (targets,)."""
        from cbhi.calibration.predictive import with_carried

        fitted, _ = with_carried(self.problem, self.carried_slopes, self.mode.simulated[None])
        return np.asarray(fitted[0])

    @property
    def point_values(self) -> dict[str, float]:
        """All parameters in their own units: explored ones at the mode, carried ones at their mean there."""
        from cbhi.calibration.ensemble import carried_given_targets

        means, _ = carried_given_targets(self.problem, self.carried_slopes, self.mode.simulated[None])
        carried = zip(self.carried, means[0], strict=True)
        return {**self.values, **{prior.key: float(prior.to_value(z)) for prior, z in carried}}

    @property
    def point_sources(self) -> dict[str, tuple[str, str]]:
        """Source and confidence of each of ``point_values``."""
        explored = {prior.key: ("mode of the calibration", prior) for prior in self.priors}
        carried = {prior.key: ("mean given the figures, to first order", prior) for prior in self.carried}
        return {
            key: (f"{how}; prior: {prior.source}", "fitted")
            for key, (how, prior) in {**explored, **carried}.items()
        }

    def fisher(self) -> F8:
        """Return the information of the targets, (parameters, parameters), per squared prior deviation."""
        from cbhi.calibration.identifiability import fisher_information

        return fisher_information(self.jacobian, self.problem.covariance)

    @functools.cached_property
    def _identifiability(self) -> Identifiability:
        from cbhi.calibration.identifiability import identify

        problem = self.problem
        return identify(problem.names, problem.targets, self.jacobian, problem.covariance, self.errors)

    def identifiability(self) -> Identifiability:
        """Return what the targets inform, to first order at the mode."""
        return self._identifiability

    def warn_of_flat_directions(self) -> None:
        """Warn (``FlatDirections``) if there are more parameters than the targets hold information on."""
        self._identifiability.warn(stacklevel=2)

    def profiles(self, names: Sequence[str] | None = None, **how: Any) -> Profiles:
        """Hold parameters away from the mode and fit all others again.

        Parameters
        ----------
        names
            Parameters; all if not given.
        **how
            ``offsets``, ``unit`` and ``steps`` of ``cbhi.calibration.profiles.profile``.

        Returns
        -------
        Profiles
            One profile a parameter, found by its key.
        """
        from cbhi.calibration.profiles import profile

        return profile(self.problem, self.mode, names, **how)

    def profile(self, name: str, **how: Any) -> Profile:
        """Hold one parameter away from the mode and fit all others again.

        Parameters
        ----------
        name
            The parameter.
        **how
            As for ``profiles``.

        Returns
        -------
        Profile
            Its rise above the mode.
        """
        return self.profiles([name], **how)[name]

    def posterior(self, *, min_ess: float = 400.0, max_khat: float = 0.7, max_sims: int = 6000) -> Posterior:
        """Draw from the posterior until the draws' own diagnostics are content.

        Parameters
        ----------
        min_ess
            Effective size that is wanted.
        max_khat
            Largest shape of the tail of the weights that is accepted.
        max_sims
            Simulations after which importance sampling gives up.

        Returns
        -------
        Posterior
            Weighted draws.

        Raises
        ------
        CalibrationNotConverged
            When no method gives draws that can be trusted; it holds the table of what was tried.
        """
        from cbhi.calibration.posterior import Posterior
        from cbhi.calibration.sampling import sample

        draws = sample(self.problem, self.search, min_ess=min_ess, max_khat=max_khat, max_sims=max_sims)
        return Posterior(fit=self, draws=draws)

    def table(self) -> Table:
        """Return the fit against each target."""
        from cbhi.calibration.tables import fit_table

        return fit_table(self)

    def explain(self) -> str:
        """Return what the targets say about each parameter, in plain language and to first order."""
        from cbhi.calibration.verdicts import explain_fit

        return explain_fit(self)

    def save(self, directory: str | Path) -> Path:
        """Write the fit to a folder: ``fit.npz`` and ``fit.json``, without pickles.

        Parameters
        ----------
        directory
            The folder, made if need be.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        from cbhi.calibration.keeping import save_fit

        return save_fit(self, Path(directory))

    @classmethod
    def load(cls, directory: str | Path) -> Fit:
        """Read a fit that ``save`` wrote; it has no simulator, so it answers what needs no new simulation.

        Parameters
        ----------
        directory
            The folder.

        Raises
        ------
        ValueError
            When the folder holds no fit, or its files are damaged or do not belong together.
        """
        from cbhi.calibration.keeping import load_fit

        return load_fit(Path(directory))
