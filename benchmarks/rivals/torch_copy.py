"""The PyTorch copy of a generator, started as a process and asked for timings."""

import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from benchmarks.rivals import model_description
from benchmarks.rivals.rival import UnavailableError
from benchmarks.shared import timing

# A cell whose score lies within the rounding errors of zero is hit or not at random.
MOST_OUTSIDE = 1e-4
_CHECKED = 64
_ROOT = pathlib.Path(__file__).parents[2]


class TorchCopy:
    """The copy in its own process, checked against the original.

    Args:
        generator: Maps [condition, noise] to encoded responses.
        condition: A condition [condition units].
        threads: Threads of a single operation.
        python: An interpreter that has torch; this one by default.

    Raises:
        UnavailableError: If torch is missing, or the generator has a layer that the
            copy does not know.
        ValueError: If the copy does not calculate what the original does.
    """

    def __init__(
        self,
        generator: keras.Model,
        condition: Sequence[float],
        threads: int,
        python: str | None = None,
    ) -> None:
        self._condition = list(condition)
        self._noise_size = int(generator.inputs[1].shape[-1])
        self._folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self._folder.name)
        try:
            model_description.write(generator, folder)
            self._write_check(generator, folder)
        except ValueError as error:
            raise UnavailableError(str(error)) from error
        self._log = (folder / "stderr").open("w+")
        command = [python or sys.executable, "-m", "benchmarks.rivals.torch_server"]
        try:
            self._process = subprocess.Popen(
                [*command, str(folder), str(threads)],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        except OSError as error:
            raise UnavailableError(f"{python}: {error.strerror}") from error
        agreement = self._answer()
        if agreement["outside"] > MOST_OUTSIDE:
            raise ValueError(
                f"the PyTorch copy is wrong: {agreement['outside']:.2%} of its cells "
                "differ from TensorFlow's; mend benchmarks/rivals/torch_*.py"
            )
        self.version = str(agreement["version"])
        self.largest_difference = float(agreement["largest_difference"])
        self.outside = float(agreement["outside"])

    def _write_check(self, generator: keras.Model, folder: pathlib.Path) -> None:
        draw = np.random.default_rng(1)
        noise = draw.normal(size=(_CHECKED, self._noise_size)).astype(np.float32)
        condition = np.tile(np.array(self._condition, np.float32), (_CHECKED, 1))
        # Rows that differ, so that no condition can be mistaken for another.
        condition *= draw.uniform(0.8, 1.2, condition.shape).astype(np.float32)
        encoded = generator([condition, noise], training=False)
        np.savez(
            folder / "check.npz",
            condition=condition,
            noise=noise,
            encoded=np.asarray(encoded),
        )

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._log.seek(0)
            lines = self._log.read().strip().splitlines() or ["it ended"]
            raise UnavailableError(lines[-1])
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise UnavailableError(answer["error"])
        return answer

    def action(self, batch: int, *, draw: bool, compiled: bool) -> timing.Action:
        """Returns the action of one call.

        Args:
            batch: Showers per call.
            draw: Whether the call draws its noise too.
            compiled: Whether `torch.compile` has a go at it.
        """
        request = {
            "condition": self._condition,
            "noise": self._noise_size,
            "batch": batch,
            "draw": draw,
            "compiled": compiled,
        }

        def timed(calls: int) -> float:
            if self._process.stdin is None:
                raise UnavailableError("its input is closed")
            self._process.stdin.write(json.dumps({**request, "calls": calls}) + "\n")
            self._process.stdin.flush()
            return float(self._answer()["seconds"])

        return timed

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()
        self._log.close()
        self._folder.cleanup()
