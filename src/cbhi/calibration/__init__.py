"""Fit parameters to published figures, and say what the figures do and do not tell about them.

``calibration`` joins a scenario, ``priors`` and ``targets``; ``settings`` reads all three from a file.
``simulating``, ``executors``, ``processes``, ``journal`` and ``evaluating`` turn the questions of the
algorithms into simulations. What the algorithms see of all this is the ``Problem`` of ``core``. ``fit`` and
``posterior`` hold what they find, and say what it is worth: ``identifiability``, ``profiles``,
``predictive``, ``report``.
"""

from cbhi.calibration.calibration import Calibration
from cbhi.calibration.core import CalibrationNotConverged
from cbhi.calibration.evaluating import TooManyFailures
from cbhi.calibration.fit import Fit
from cbhi.calibration.identifiability import FlatDirections
from cbhi.calibration.posterior import Posterior
from cbhi.calibration.priors import Prior
from cbhi.calibration.settings import CalibrationFileError, calibration_names
from cbhi.calibration.targets import SharedError, Target, fit_targets

__all__ = [
    "Calibration",
    "CalibrationFileError",
    "CalibrationNotConverged",
    "Fit",
    "FlatDirections",
    "Posterior",
    "Prior",
    "SharedError",
    "Target",
    "TooManyFailures",
    "calibration_names",
    "fit_targets",
]
