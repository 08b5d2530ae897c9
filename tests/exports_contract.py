"""What an entry's SavedModel serves for besides simulating; see `tests.contract`."""

import numpy as np

from models.training.exports import onnx_model
from models.training.warm_start import begin_with


def check_warm_start(case, model, seed, path):
    """A training can begin with the weights of the SavedModel."""
    fresh = case.build(seed=2)
    begin_with(fresh, path)
    condition = case.sample.condition
    np.testing.assert_array_equal(
        fresh.simulate(condition, seed), model.simulate(condition, seed)
    )
    pairs = zip(fresh.trained_network.variables, fresh.simulator.variables, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def check_onnx(case, saved_model, folder):
    """The SavedModel as ONNX answers like it, if the packages for that are here."""
    try:
        onnx_model.check_packages()
    except ValueError:
        return
    agreement = onnx_model.export_onnx(saved_model, folder, case.sample.condition)
    assert agreement.events > len(case.sample) // 4
    assert agreement.differing <= case.flips
    assert agreement.largest_difference < 1e-4
