"""The posterior as ArviZ knows it, where ArviZ is installed, and the line that installs it where not."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from calibration_support import exact_draws, linear_fit

from cbhi.calibration.posterior import Posterior

_HAS_ARVIZ = importlib.util.find_spec("arviz") is not None


def _posterior():
    rng = np.random.default_rng(1)
    fit = linear_fit(rng, n=6, d=3)
    return Posterior(fit=fit, draws=exact_draws(fit, 2000, rng))


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'cbhi\[bayes\]'"):
        _posterior().to_arviz()


@pytest.mark.skipif(not _HAS_ARVIZ, reason="arviz is not installed")
@pytest.mark.filterwarnings("ignore")  # what ArviZ and its own packages warn of is not ours
def test_the_groups_hold_draws_predictions_and_data(tmp_path):
    posterior = _posterior()
    data = posterior.to_arviz(chains=3, draws=100)
    problem = posterior.fit.problem
    assert dict(data["posterior"].sizes) == {"chain": 3, "draw": 100}
    assert set(data["posterior"].data_vars) == set(problem.names)
    assert data["posterior_predictive"]["published"].shape == (3, 100, 6)
    np.testing.assert_array_equal(data["observed_data"]["published"], problem.observed)
    np.testing.assert_array_equal(data["constant_data"]["covariance"], problem.covariance)
    assert set(data["sample_stats"].data_vars) == {"lp", "log_weight", "place"}
    assert list(data["observed_data"]["target"].values) == list(problem.targets)
    assert data.attrs["inference_library"] == "cbhi"
    # a draw keeps its parameters, its density and its weight together
    places = data["sample_stats"]["place"].values.ravel()
    for prior, column in zip(posterior.fit.priors, posterior.draws.points.T, strict=True):
        found = data["posterior"][prior.key].values.ravel()
        np.testing.assert_allclose(found, prior.to_value(column[places]))
    loss = problem.loss(posterior.draws.points[places], posterior.draws.simulated[places])
    np.testing.assert_allclose(data["sample_stats"]["lp"].values.ravel(), -loss)
    # a netCDF file needs a package of its own
    if importlib.util.find_spec("h5netcdf") or importlib.util.find_spec("netCDF4"):
        data.to_netcdf(str(tmp_path / "posterior.nc"))
        assert (tmp_path / "posterior.nc").stat().st_size > 0


@pytest.mark.skipif(not _HAS_ARVIZ, reason="arviz is not installed")
@pytest.mark.filterwarnings("ignore")
def test_arviz_reads_the_spread_that_the_problem_has():
    import arviz

    posterior = _posterior()
    table = arviz.summary(posterior.to_arviz())
    sd = posterior.fit.identifiability().sd
    for prior, ours in zip(posterior.fit.priors, sd, strict=True):
        assert float(table.loc[prior.key, "sd"]) == pytest.approx(prior.sd * ours, rel=0.1)
