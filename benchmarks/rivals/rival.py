"""A program in another interpreter that times the same work when asked to."""

import json
import pathlib
import subprocess
from collections.abc import Sequence
from typing import Any

_FOLDER = pathlib.Path(__file__).parent


class UnavailableError(RuntimeError):
    """A rival does not run here; the message says why."""


class Rival:
    """A running script of this folder that speaks lines of JSON.

    It gets its settings as the argument, says `{"version": ...}` or `{"error": ...}`
    once it is ready, then answers every number of calls with the seconds they took.

    Args:
        script: Name of the script, e.g. "cramer_torch.py".
        python: The interpreter.
        settings: What to time.

    Attributes:
        version: What it runs with.

    Raises:
        UnavailableError: If it does not start.
    """

    def __init__(self, script: str, python: str, settings: dict[str, Any]) -> None:
        command: Sequence[str] = (python, str(_FOLDER / script), json.dumps(settings))
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, text=True
            )
        except OSError as error:
            raise UnavailableError(f"{python}: {error.strerror}") from error
        self.version = str(self._answer()["version"])

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        answer: dict[str, Any] = json.loads(line or "{}")
        if not answer or "error" in answer:
            _, log = self._process.communicate()
            lines = log.strip().splitlines() or ["it ended"]
            raise UnavailableError(answer.get("error", lines[-1]))
        return answer

    def timed(self, calls: int) -> float:
        """Runs the work some times and returns how long it took [s]."""
        if self._process.stdin is None:
            raise UnavailableError("its input is closed")
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        return float(self._answer()["seconds"])

    def close(self) -> None:
        """Ends the program."""
        self._process.communicate()
