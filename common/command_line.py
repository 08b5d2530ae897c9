"""Start and refusal of a command: without noise, in one line, with status 2.

A script imports this module before TensorFlow, which otherwise greets on stderr before
it reads any setting that would silence it.
"""

import os
import pathlib
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging

from common.messages import one_line

_STDERR = 2


# Many small matrices: threads that wait for each other cost more than they save, and
# scikit-learn would look for physical cores, which some containers do not show.
# TensorFlow has threads of its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")


_REWRITINGS = {
    "bfloat16": ("CPU", "auto_mixed_precision_onednn_bfloat16"),
    "float16": ("GPU", "auto_mixed_precision"),
}
"""The device that a type of products is for, and TensorFlow's option for it."""


def _import_tensorflow() -> None:
    # A worker of a cluster is told by many lines that another one stopped; we use one.
    quiet = "3" if "TF_CONFIG" in os.environ else "2"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", quiet)
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        import tensorflow  # noqa: F401
    finally:
        os.dup2(kept, _STDERR)
        os.close(nowhere)
        os.close(kept)


_import_tensorflow()


def prepare_training() -> None:
    """Makes operations deterministic and leaves out an optimisation that fails.

    The remapper fuses a convolution with its bias and activation. In the graph of a
    training step with a LeakyReLU it gives up, which leaves the graph as it is and an
    error on stderr. Without it the step is the same and errors stay visible. Exported
    models do not hold this setting.
    """
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"remapping": False})


def multiply_in(precision: str) -> None:
    """Chooses the type in which a training multiplies.

    Below float32, TensorFlow itself takes matrix products and convolutions, also those
    of gradients, in the smaller type, and leaves sums, exponentials and weights as they
    are. Exported models do not hold this setting.

    Args:
        precision: "float32", "bfloat16" or "float16".

    Raises:
        ValueError: If the device of this machine has no such products.
    """
    import tensorflow as tf

    if precision == "float32":
        return
    device, rewriting = _REWRITINGS[precision]
    found = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if found != device:
        other = next(name for name in _REWRITINGS if name != precision)
        raise ValueError(
            f"--precision={precision} is for {device}s, and this training would "
            f"run on a {found}; give {other}, or float32"
        )
    tf.config.optimizer.set_experimental_options({rewriting: True})
    if not _is_rewritten():
        raise ValueError(
            f"--precision={precision}: TensorFlow takes no such products on this "
            f"{device}; leave the flag out"
        )


def _is_rewritten() -> bool:
    """Tells whether a product in a graph differs from the float32 one outside it."""
    import tensorflow as tf

    factors = [tf.random.stateless_normal([64, 64], [0, n]) for n in range(2)]
    product = tf.function(tf.matmul)(*factors)
    return not bool(tf.reduce_all(product == tf.matmul(*factors)))


def refuse(error: Exception) -> NoReturn:
    """Ends the command because of a user's mistake.

    Args:
        error: Its message says what, which value and what to do.
    """
    name = pathlib.Path(sys.argv[0]).name
    message = one_line(" ".join(str(error).split()) or type(error).__name__)
    print(f"{name}: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(2)


def parse(argv: list[str]) -> list[str]:
    """Parses the flags; a bad one ends the command.

    Args:
        argv: The command line, its program first.

    Returns:
        The program's name: nothing else may be left over.
    """
    try:
        left: list[str] = flags.FLAGS(argv)
        if len(left) > 1:
            raise flags.Error(f"unexpected argument {left[1]!r}; options start with --")
    except flags.Error as error:
        refuse(error)
    return left


def main(work: Callable[[], None]) -> Callable[[list[str]], None]:
    """Makes the `main` of a script: a user's mistake ends in one line and status 2.

    Args:
        work: What the script does, when its flags have been parsed.
    """

    def wrapped(_: list[str]) -> None:
        logging.set_verbosity(logging.WARNING)
        try:
            work()
        except (ValueError, OSError, MemoryError) as error:
            refuse(error)

    return wrapped


def run(main: Callable[[list[str]], None]) -> None:
    """Parses the flags and calls `main` with what is left of the command line.

    Args:
        main: Of the script, as for `absl.app.run`.
    """
    app.run(main, flags_parser=parse)
