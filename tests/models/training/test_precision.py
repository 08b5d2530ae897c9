"""Products in smaller types: what is rewritten, refused, scaled and left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.command_line import multiply_in
from models.training.optimizers import adam, scaled
from models.training.seeded_model import minimise


@pytest.fixture
def float32_again():
    yield
    names = ("auto_mixed_precision_onednn_bfloat16", "auto_mixed_precision")
    tf.config.optimizer.set_experimental_options(dict.fromkeys(names, False))


def trained(precision: str, steps: int = 5) -> tuple[np.ndarray, list[float]]:
    """Fits a slope with a loss that holds a gradient, as a penalty does."""
    slope = keras.Variable([0.5, -1.0], dtype="float32")
    optimizer = adam((0.1, 0.1), (), steps, (0.5, 0.9), precision)
    optimizer.build([slope])
    points = tf.constant([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])

    def loss() -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(points)
            score = tf.tanh(tf.linalg.matvec(points, slope.value))
        inner = tape.gradient(score, points)
        return tf.reduce_mean(score) + tf.reduce_mean((tf.norm(inner, axis=1) - 1) ** 2)

    norms = [float(minimise(loss, optimizer, [slope])) for _ in range(steps)]
    return slope.numpy(), norms


def test_a_scaled_loss_takes_the_same_steps_to_the_last_bit():
    plain, plain_norms = trained("float32")
    found, norms = trained("float16")
    np.testing.assert_array_equal(found, plain)
    assert norms == plain_norms
    assert not np.array_equal(plain, [0.5, -1.0])


def test_a_step_whose_gradient_is_infinite_is_left_out():
    weight = keras.Variable([2.0], dtype="float32")
    optimizer = scaled(keras.optimizers.SGD(0.125), "float16")
    optimizer.build([weight])
    before = float(optimizer.scale_loss(1.0))
    large = tf.constant(3e38)
    norm = minimise(lambda: tf.reduce_sum(weight.value * large), optimizer, [weight])
    assert float(norm) == 0.0
    np.testing.assert_array_equal(weight.numpy(), [2.0])
    assert float(optimizer.scale_loss(1.0)) == before / 2
    norm = minimise(lambda: tf.reduce_sum(weight.value), optimizer, [weight])
    assert float(norm) == 1.0
    np.testing.assert_array_equal(weight.numpy(), [1.875])


@pytest.mark.usefixtures("float32_again")
def test_a_type_for_other_devices_is_refused():
    gpu = bool(tf.config.list_physical_devices("GPU"))
    wrong = "bfloat16" if gpu else "float16"
    with pytest.raises(ValueError, match=f"--precision={wrong} is for"):
        multiply_in(wrong)


@pytest.mark.usefixtures("float32_again")
def test_bfloat16_reaches_products_and_their_gradients_but_no_sums():
    factors = [tf.random.stateless_normal([64, 64], [1, n]) for n in range(2)]

    def gradient(left: tf.Tensor, right: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(left)
            product = tf.matmul(left, right)
            value = tf.reduce_sum(product**2)
        return tape.gradient(value, left), tf.cumsum(left, axis=0)

    exact = gradient(*factors)
    try:
        multiply_in("bfloat16")
    except ValueError as error:
        pytest.skip(str(error))
    found = tf.function(gradient)(*factors)
    relative = float(tf.norm(found[0] - exact[0]) / tf.norm(exact[0]))
    assert 1e-4 < relative < 1e-2
    np.testing.assert_allclose(found[1], exact[1], rtol=0, atol=1e-5)
