"""Measures how fast a model trains, and how much of that time is not spent training.

    python -m benchmarks.training --model=wgan_constrained

One step is the `train_step` of the model as `fit` compiles it: of a GAN all critic
steps and one of everything else, of a model trained by likelihood one step of its
optimizer. It runs on one batch again and again, on the real pipeline over the sample in
the repository, and inside `fit`; `ratio` is to the first of these. What the pipeline
makes it longer, and what passes between the steps of `fit`, is time outside the step.
Then the parts of a step are timed on their own, in turn with the matrix product that
gives their bound. The step of a Cramer GAN is also timed against the same one in
PyTorch (`--torch_python=PATH` names an interpreter that has torch) and in pidgan
(`--pidgan_python=PATH`).
"""

import functools
import sys
import tempfile
import time
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks.rivals.rival import Rival, UnavailableError
from benchmarks.shared import matrix_rates, step_parts, timing
from common.command_line import multiply_in, prepare_training
from data.batches import pipeline
from data.files import readers
from models.gans.cramer_gan import CramerGAN
from models.layers.track_features import TrackFeatures
from models.training import config
from models.training.physics_monitor import PhysicsMonitor
from models.training.progress import NonFiniteGuard
from models.training.training_inputs import augmentation

_CACHED, _PIPELINE = "step on one batch", "step on the pipeline"
_ALONE, _GEMM = "pipeline alone", "matrix multiplication"
_FIT = "fit on the pipeline"
_ZOO = "fastsim-zoo"
_LARGEST_FRACTION, _LARGEST_MONITOR_FRACTION = 0.02, 0.05
_MONITORED = 5


class _Clock(keras.callbacks.Callback):
    """Takes the time of every step of a fit; the first of its callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: list[float] = []
        self._ended: list[float] = []

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Starts a step."""
        self._begun.append(time.perf_counter())

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Ends a step."""
        self._ended.append(time.perf_counter())

    def samples(self, steps: int) -> list[float]:
        """Returns the time from step to step [s], a sample per `steps` of them."""
        return (np.diff(self._begun[steps::steps]) / steps).tolist()

    def fraction_between_steps(self, steps: int) -> float:
        """Returns the fraction of the time that passes between steps, after `steps`."""
        begun, ended = np.array(self._begun[steps:]), np.array(self._ended[steps:])
        return float(np.sum(begun[1:] - ended[:-1]) / (begun[-1] - begun[0]))


def _batches(subject: setup.Subject) -> tf.data.Dataset:
    """Makes the pipeline as `train.py` does."""
    settings, spec = subject.settings, subject.spec
    return pipeline.batches(
        subject.source,
        rows=settings.step_events,
        seed=settings.seed,
        transform=subject.model.transform,
        augment=augmentation(settings, spec),
        acceptance=spec.acceptance(settings.mask),
    )


def _measure_steps(
    subject: setup.Subject,
) -> tuple[dict[str, timing.Timing], dict[str, float]]:
    """Times steps; returns the timings and the fractions of time outside the step."""
    model, steps = subject.model, flags.FLAGS.steps
    repeats = flags.FLAGS.repeats
    dataset = _batches(subject)
    elements = iter(dataset)
    cached = iter(tf.data.Dataset.from_tensors(next(elements)).repeat())
    model.make_train_function()
    alone = iter(dataset)
    # The clock starts when the prefetched elements are used up.
    settled = functools.partial(timing.settled, pipeline.PREFETCHED_ELEMENTS + 1)
    actions = {
        _CACHED: settled(lambda: model.train_function(cached)),
        _PIPELINE: settled(lambda: model.train_function(elements)),
        _ALONE: settled(lambda: next(alone)),
    }
    found = timing.interleaved(actions, repeats, calls=steps)
    clock = _Clock()
    model.fit(
        dataset,
        steps_per_epoch=(repeats + 2) * steps,
        shuffle=False,
        verbose=0,
        callbacks=[clock, NonFiniteGuard()],
    )
    fractions = {
        "input pipeline": 1.0 - found[_CACHED].median_s / found[_PIPELINE].median_s,
        "fit and its callbacks": clock.fraction_between_steps(steps),
    }
    return found | {_FIT: timing.summary(clock.samples(steps))}, fractions


def _monitor_fraction(subject: setup.Subject, step_s: float) -> float:
    """Returns the time of the physics monitor as a fraction of an epoch of steps."""
    spec, settings = subject.spec, subject.settings
    validation = readers.read(subject.data, spec, split="validation")
    with tempfile.TemporaryDirectory() as logs:
        monitor = PhysicsMonitor(
            validation, subject.model.simulate, spec, settings.mask, logs
        )
        # The first call starts TensorBoard's files.
        monitor.on_epoch_end(0, {})
        measure = timing.stopwatch(lambda: monitor.on_epoch_end(1, {}))
        monitor_s = float(np.median([measure(1) for _ in range(_MONITORED)]))
        monitor.on_train_end()
    epoch_s = step_s * min(settings.epoch_steps, settings.steps)
    return monitor_s / (monitor_s + epoch_s)


def _measure_parts(subject: setup.Subject) -> tuple[list[dict[str, Any]], float]:
    """Times the parts of a step; returns them and the rate of matrix products."""
    parts = step_parts.of_step(subject)
    size = subject.settings.batch_size
    batch = [part[:size] for part in next(iter(_batches(subject)))]
    actions = {
        part.name: timing.stopwatch(functools.partial(part.function, *batch))
        for part in parts
    }
    largest = matrix_rates.best_size(max(3, flags.FLAGS.repeats // 2))
    actions[_GEMM] = matrix_rates.multiplication(largest)
    found = timing.interleaved(actions, flags.FLAGS.repeats)
    rate = matrix_rates.flops(largest) / found[_GEMM].median_s
    return step_parts.rows(parts, found, rate), rate


def _rivals(subject: setup.Subject) -> dict[str, timing.Timing]:
    """Times the step on one batch and in other programs, in turn."""
    settings = cramer_settings(subject.model, subject.settings, flags.FLAGS.threads)
    cached = iter(tf.data.Dataset.from_tensors(next(iter(_batches(subject)))).repeat())
    step = timing.stopwatch(lambda: subject.model.train_function(cached))
    actions, rivals = {_ZOO: step}, []
    for script, python in (
        ("cramer_torch.py", flags.FLAGS.torch_python or sys.executable),
        ("cramer_pidgan.py", flags.FLAGS.pidgan_python or sys.executable),
    ):
        try:
            rivals.append(Rival(script, python, settings))
            actions[rivals[-1].version] = rivals[-1].timed
        except UnavailableError as error:
            print(f"not compared: {script}: {error}")
    found = timing.interleaved(actions, max(3, flags.FLAGS.repeats // 4))
    for rival in rivals:
        rival.close()
    return found


def cramer_settings(model: Any, settings: Any, threads: int) -> dict[str, Any]:
    """Returns what the other programs have to know to take the same step.

    Args:
        model: A Cramer GAN of dense layers.
        settings: Its Config.
        threads: Threads of a single operation.
    """
    first = next(
        layer for layer in model.generator.layers if isinstance(layer, TrackFeatures)
    )
    return {
        "batch_size": settings.batch_size,
        "critic_steps": settings.critic_steps,
        "condition_features": int(first.output.shape[-1]),
        "noise": settings.noise,
        "outputs": int(model.generator.output_shape[-1]),
        "generator_dense": list(settings.generator_dense),
        "critic_dense": list(settings.critic_dense),
        "critic_outputs": settings.critic_outputs,
        "penalty_weight": settings.penalty_weight,
        "learning_rate": settings.learning_rate,
        "threads": threads,
    }


def _print_rivals(found: dict[str, timing.Timing]) -> None:
    ours = found[_ZOO].median_s
    rows = [
        [name, f"{1e3 * value.median_s:.0f} +-{value.spread:3.0%}",
         f"{value.median_s / ours:.2f}"]
        for name, value in found.items()
    ]  # fmt: skip
    print()
    print(timing.table(["a step", "ms", "ratio"], rows))


def _print(result: dict[str, Any]) -> None:
    alone_s = result["steps"][_CACHED]["median_s"]
    rows = [
        [
            name,
            f"{1e3 * value['median_s']:.2f} +-{value['spread']:3.0%}",
            f"{value['median_s'] / alone_s:.3f}",
            f"{1.0 / value['median_s']:.2f}",
            f"{result['showers_per_step'] / value['median_s']:.0f}",
        ]
        for name, value in result["steps"].items()
    ]
    print(timing.table(["", "ms", "ratio", "steps/s", "showers/s"], rows))
    for name, fraction in result["outside_the_step"].items():
        print(
            f"outside the step, {name}: {fraction:.2%} "
            f"(goal: below {_LARGEST_FRACTION:.0%})"
        )
    print(
        f"physics monitor: {result['monitor']:.2%} of an epoch "
        f"(goal: below {_LARGEST_MONITOR_FRACTION:.0%})"
    )
    total = sum(part["ms"] for part in result["parts"])
    bound = sum(part["bound_ms"] for part in result["parts"])
    rows = [
        [
            f"{part['part']} x {part['times']}",
            f"{part['ms']:.2f}",
            f"{part['ms'] / total:.0%}",
            f"{part['mflop']:.0f}",
            f"{part['bound_ms']:.2f}",
            f"{part['bound_ms'] / part['ms']:.0%}",
        ]
        for part in result["parts"]
    ]
    rows.append(
        ["all parts", f"{total:.2f}", "", "", f"{bound:.2f}", f"{bound / total:.0%}"]
    )
    print()
    print(timing.table(["part", "ms", "fraction", "MFLOP", "bound", "bound/ms"], rows))


def _run() -> None:
    setup.use_threads(flags.FLAGS.threads)
    prepare_training()
    multiply_in(flags.FLAGS.precision)
    assignments = [*flags.FLAGS.set, f"precision={flags.FLAGS.precision}"]
    subject = setup.subject(flags.FLAGS.model, flags.FLAGS.data, assignments)
    settings = subject.settings
    steps, fractions = _measure_steps(subject)
    monitor = _monitor_fraction(subject, steps[_PIPELINE].median_s)
    parts, rate = _measure_parts(subject)
    result = {
        "model": flags.FLAGS.model,
        "threads": flags.FLAGS.threads,
        "tensorflow": tf.__version__,
        "batch_size": settings.batch_size,
        "showers_per_step": settings.step_events,
        "steps": {
            name: {"median_s": value.median_s, "spread": value.spread}
            for name, value in steps.items()
        },
        "outside_the_step": fractions,
        "monitor": monitor,
        "parts": parts,
        "gflop_per_s_of_gemm": rate / 1e9,
    }
    print(
        f"{flags.FLAGS.model}: {settings.step_events} showers a step in batches of "
        f"{settings.batch_size}, {flags.FLAGS.threads} threads, "
        f"TensorFlow {tf.__version__}"
    )
    _print(result)
    if isinstance(subject.model, CramerGAN):
        rivals = _rivals(subject)
        _print_rivals(rivals)
        result["rivals"] = {name: value.median_s for name, value in rivals.items()}
    setup.write_json(flags.FLAGS.json, result)


if __name__ == "__main__":
    setup.define_common_flags()
    flags.DEFINE_string("model", None, "ENTRY or ENTRY/PRESET of the zoo.")
    flags.DEFINE_string("data", None, "Events to train on; or the model's sample.")
    flags.DEFINE_multi_string("set", [], "name=value: changes a Config field.")
    flags.DEFINE_enum("precision", "float32", config.PRECISIONS, "Of matrix products.")
    flags.DEFINE_string("torch_python", None, "Interpreter that has torch.")
    flags.DEFINE_string("pidgan_python", None, "Interpreter that has pidgan.")
    flags.DEFINE_integer("steps", 20, "Steps per sample.", lower_bound=1)
    flags.mark_flag_as_required("model")
    setup.run(_run)
