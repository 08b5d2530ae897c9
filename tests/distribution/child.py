"""Trains small models and tiny entries on two virtual devices, for test_mirrored.py.

python -m tests.distribution.child ENTRY [ENTRY ...]
"""

import importlib
import pathlib
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

from models.training.contract import phases_of
from models.training.trainer import Training
from tests import contract
from tests.distribution import one_device


def train(name: str, strategy: tf.distribute.Strategy, workdir: pathlib.Path) -> None:
    """Trains an entry and checks that the replicas end alike."""
    module = importlib.import_module(f"tests.models.test_{name}")
    case = contract.make_case(name, module.TINY, "ecal")
    with strategy.scope():
        model = case.build()
        phases = phases_of(case.entry, model, case.settings)
    before = contract.state(model)
    training = Training(
        case.settings, case.sample, case.sample, case.spec, model.transform, workdir,
        say=sys.stdout.write,
    )  # fmt: skip
    training.run(model, phases)
    assert int(keras.ops.convert_to_numpy(model.updates)) == case.settings.steps
    after = contract.state(model)
    changed = [not np.array_equal(*pair) for pair in zip(before, after, strict=True)]
    assert np.mean(changed) > 0.5
    assert all(np.isfinite(values).all() for values in after)
    for variable in model.state_variables():
        copies = strategy.experimental_local_results(variable.value)
        assert len(copies) == strategy.num_replicas_in_sync
        np.testing.assert_array_equal(*copies, err_msg=variable.path)
    sys.stdout.write(f"{name}: {len(after)} variables agree\n")


if __name__ == "__main__":
    [device] = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(device, halves)
    tf.config.experimental.enable_op_determinism()
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for build in one_device.MODELS:
        one_device.compare(build, mirrored)
        sys.stdout.write(f"{build.__name__}: as on one device\n")
    for entry in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            train(entry, mirrored, pathlib.Path(folder))
