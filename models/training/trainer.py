"""The training of a model: its phases, what is logged, and how it is continued."""

import dataclasses
import math
import pathlib
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from data.batches import pipeline
from data.detectors.spec import DetectorSpec
from data.files import readers
from data.transforms.base import Transform
from models.training import progress
from models.training.checkpoint import Checkpoints
from models.training.config import TrainingConfig
from models.training.contract import LikelihoodModel, Simulator, Trainable
from models.training.distributed import cluster, replica_loop
from models.training.phases import Phase
from models.training.physics_monitor import PhysicsMonitor, Simulate
from models.training.training_inputs import augmentation


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """What every phase of a training shares.

    Attributes:
        settings: The entry's Config.
        source: The training events.
        validation: The validation events.
        spec: The detector.
        transform: Between physical and encoded responses.
        workdir: Folder of the run.
        say: Tells the user what begins, one line at a time.
    """

    settings: TrainingConfig
    source: readers.Source
    validation: readers.Sample
    spec: DetectorSpec
    transform: Transform
    workdir: pathlib.Path
    say: Callable[[str], None]

    def run(self, model: Simulator, phases: Sequence[Phase]) -> None:
        """Trains all phases and then the model, each from where it was stopped.

        Args:
            model: The compiled model.
            phases: What is trained before it.
        """
        for phase in phases:
            folder = self.workdir / "phases" / phase.name
            self.say(f"phase {phase.name}: {phase.steps} steps, logged in {folder}")
            rows = self.settings.batch_size
            self.fit(phase.model, phase.steps, folder, rows, phase.simulate)
            phase.finish()
        settings = self.settings
        if settings.steps > 0:
            rows = settings.step_events
            self.fit(model, settings.steps, self.workdir, rows, model.simulate)

    def fit(
        self,
        model: Trainable,
        steps: int,
        folder: pathlib.Path,
        rows: int,
        simulate: Simulate | None = None,
    ) -> None:
        """Trains one model, or continues where its newest checkpoint stands.

        Args:
            model: The compiled model.
            steps: Steps of the whole training, rounded up to whole epochs.
            folder: Where checkpoints, history and logs go.
            rows: Events per step.
            simulate: Draws the responses whose physics is followed; None where none are
                drawn. Without, and for a model with a likelihood, its own numbers are
                followed on the validation events.
        """
        epoch_steps = max(1, min(self.settings.epoch_steps, steps))
        epochs = math.ceil(steps / epoch_steps)
        chief = cluster.is_chief(model.distribute_strategy)
        loop = None
        if replica_loop.is_needed(model.distribute_strategy):
            loop = replica_loop.ReplicaLoop(model)
        checkpoints = Checkpoints(folder, self.say)
        done = checkpoints.restore(model) if chief else 0
        if loop is not None:
            done = loop.share(done)
        if done >= epochs:
            self.say(f"{folder}: the training of {epochs} epochs is finished")
            return
        validation = None
        if simulate is None or isinstance(model, LikelihoodModel):
            validation = self._validation()
        callbacks: list[keras.callbacks.Callback] = [progress.NonFiniteGuard()]
        if chief:
            callbacks = [
                *self._followed(simulate, folder / "logs"),
                *callbacks,
                keras.callbacks.TensorBoard(folder / "logs", write_graph=False),
                checkpoints,
                progress.Progress((epochs - done) * epoch_steps),
            ]
        if loop is None:
            model.fit(
                self._elements(rows, done * epoch_steps),
                epochs=epochs,
                initial_epoch=done,
                steps_per_epoch=epoch_steps,
                validation_data=validation,
                shuffle=False,  # The pipeline does.
                verbose=0,
                callbacks=callbacks,
            )
            return
        loop.fit(
            lambda shard: self._elements(rows, done * epoch_steps, shard),
            # Then the number of workers does not change what a step sees.
            whole=pipeline.fits_in_memory(self.source),
            parts=rows // self.settings.batch_size,
            epochs=epochs,
            initial_epoch=done,
            steps_per_epoch=epoch_steps,
            validation=validation,
            callbacks=callbacks,
        )

    def _followed(
        self, simulate: Simulate | None, logs: pathlib.Path
    ) -> list[keras.callbacks.Callback]:
        if simulate is None:
            return []
        mask, seed = self.settings.mask, self.settings.seed
        return [
            PhysicsMonitor(self.validation, simulate, self.spec, mask, logs, seed=seed)
        ]

    def _elements(
        self, rows: int, first: int, shard: tuple[int, int] = (0, 1)
    ) -> tf.data.Dataset:
        """Returns one worker's share of the elements of a training from a step on."""
        own = rows // shard[1]
        passes = pipeline.steps_per_epoch(self.source, own, shard)
        first_pass, offset = divmod(first, passes)
        settings = self.settings
        return pipeline.batches(
            self.source, rows=own, seed=settings.seed, first_epoch=first_pass,
            shard=shard, augment=augmentation(settings, self.spec),
            transform=self.transform, acceptance=self.spec.acceptance(settings.mask),
        ).skip(offset)  # fmt: skip

    def _validation(self) -> tf.data.Dataset:
        """Returns one pass over the validation events as they are."""
        settings = self.settings
        return pipeline.batches(
            self.validation, rows=settings.batch_size, seed=settings.seed, epochs=1,
            transform=self.transform, acceptance=self.spec.acceptance(settings.mask),
        )  # fmt: skip
