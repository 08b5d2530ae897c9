"""Settings that all tests share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hypothesis
import pytest

# The same examples on every machine, and no limit on the time of one: a loaded
# machine is not an error.
hypothesis.settings.register_profile(
    "fastsim_zoo", deadline=None, derandomize=True, database=None
)
hypothesis.settings.load_profile("fastsim_zoo")


@pytest.fixture(scope="session")
def deterministic():
    """Switches op determinism on, for good: TensorFlow has no way back."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
