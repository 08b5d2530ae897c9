"""A step of pidgan's CramerGAN, timed for `benchmarks.training`.

It needs nothing but pidgan, in an environment of its own (its TensorFlow is older); see
`benchmarks.rivals.rival` for how it is spoken to. pidgan takes its reference events and
those of two generated ones from different quarters of a batch, and leaves one out: a
batch of four times as many events makes it judge as many as the zoo.
"""

import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_QUARTERS = 4


def _train_function(settings: dict[str, Any]) -> Any:
    """Returns a function that takes one step."""
    import tensorflow as tf
    from pidgan.algorithms import CramerGAN
    from pidgan.players.discriminators import Discriminator
    from pidgan.players.generators import Generator

    rows = _QUARTERS * settings["batch_size"]
    model = CramerGAN(
        Generator(
            output_dim=settings["outputs"],
            latent_dim=settings["noise"],
            num_hidden_layers=len(settings["generator_dense"]),
            mlp_hidden_units=settings["generator_dense"],
        ),
        Discriminator(
            output_dim=settings["critic_outputs"],
            num_hidden_layers=len(settings["critic_dense"]),
            mlp_hidden_units=settings["critic_dense"],
            output_activation="linear",
        ),
        lipschitz_penalty=settings["penalty_weight"],
        lipschitz_penalty_strategy="one-sided",
    )
    condition = tf.random.normal((rows, settings["condition_features"]))
    real = tf.random.normal((rows, settings["outputs"]))
    weight = tf.random.normal((rows,)) + 1.0
    model(condition, real)
    model.compile(
        generator_optimizer=tf.keras.optimizers.RMSprop(settings["learning_rate"]),
        discriminator_optimizer=tf.keras.optimizers.RMSprop(settings["learning_rate"]),
        discriminator_upds_per_batch=settings["critic_steps"],
    )
    dataset = tf.data.Dataset.from_tensors((condition, real, weight)).repeat()
    elements = iter(dataset)
    model.make_train_function()
    return lambda: model.train_function(elements)


def main(settings: dict[str, Any]) -> None:
    """Says what it is, then answers."""
    try:
        import keras
        import tensorflow as tf

        # Before pidgan, which starts TensorFlow as it is imported.
        tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
        from pidgan import __version__ as version

        step = _train_function(settings)
        step()
    except ImportError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    text = f"pidgan {version}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    print(json.dumps({"version": text}), flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
