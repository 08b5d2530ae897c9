"""A saved model as a function of conditions."""

import csv
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data.detectors import particles
from data.detectors.spec import DetectorSpec
from metrics.evaluation.reference import Reference

CHUNK_EVENTS = 512


def detector_of(path: pathlib.Path) -> str:
    """Returns the name of the detector that a saved model simulates.

    Args:
        path: Folder with `saved_model.pb` and `signature.json`.

    Raises:
        ValueError: If there is no such model.
    """
    return str(signature_of(path).get("detector"))


def species_of(path: pathlib.Path) -> tuple[str, ...]:
    """Returns the names of the species that a saved model was trained on.

    Args:
        path: Folder with `saved_model.pb` and `signature.json`.

    Returns:
        Some of `data.detectors.particles.NAMES`; all of them if the model does not say.

    Raises:
        ValueError: If there is no such model.
    """
    limits = {one["name"]: one for one in signature_of(path).get("domain", [])}
    found = limits.get("species_index", {"low": 0, "high": len(particles.NAMES)})
    return tuple(
        name
        for number, name in enumerate(particles.NAMES)
        if found["low"] <= number <= found["high"]
    )


def signature_of(path: pathlib.Path) -> dict[str, Any]:
    """Returns the signature of a saved model.

    Args:
        path: Folder with `saved_model.pb` and `signature.json`.

    Raises:
        ValueError: If there is no such model.
    """
    for name in ("saved_model.pb", "signature.json"):
        if not (path / name).is_file():
            raise ValueError(
                f"{path}: no saved model here ({name} is missing); train.py writes one"
            )
    try:
        document = dict(json.loads((path / "signature.json").read_text()))
        _check_types(document)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        raise ValueError(
            f"{path}/signature.json is damaged; export the model again"
        ) from None
    return document


def _check_types(document: Mapping[str, Any]) -> None:
    """Raises TypeError, or what else happens, where a signature is none."""
    names = [one["name"] for one in document.get("conditions", [])]
    ranges = [(one["low"], one["high"]) for one in document.get("domain", [])]
    names += [one["name"] for one in document.get("domain", [])]
    sizes = list(document.get("response", {}).get("shape", []))
    energies = list(document.get("trained_energies_gev") or [])
    document.get("versions", {}).get("fastsim_zoo")
    if not all(isinstance(name, str) for name in names):
        raise TypeError
    if not all(isinstance(size, int) for size in sizes):
        raise TypeError
    for number in (*energies, *(end for ends in ranges for end in ends)):
        if not isinstance(number, int | float):
            raise TypeError


def history_of(path: pathlib.Path) -> dict[str, NDArray[np.float64]]:
    """Returns the content of a `history.csv` by column, each [epochs].

    Args:
        path: The file; without it the history is empty.

    Raises:
        ValueError: If it is something else.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    except (ValueError, TypeError, IndexError, OSError) as error:
        raise ValueError(
            f"{path} is not the history of a training ({error}); mend or remove it"
        ) from None


class SavedSimulator:
    """Loads a SavedModel and draws responses from it, checked.

    Args:
        path: Folder with `saved_model.pb` and `signature.json`.
        spec: The detector that it has to simulate.

    Attributes:
        name: ENTRY/PRESET of the model, or the name of its folder.
        mask: Name of the cells that it was trained on, see `spec.acceptance`.
        trained_energies_gev: Beam energies of its training; None if not known.
        history: Content of `history.csv` beside the folder, by name, each [epochs];
            empty without.

    Raises:
        ValueError: If there is no such model or it simulates something else.

    Example:
        >>> from data import detectors
        >>> path = pathlib.Path("pretrained/wgan_constrained/saved_model")
        >>> simulate = SavedSimulator(path, detectors.get("hgcal"))
        >>> condition = np.array([[50.0, 0.0, 0.0]], np.float32)
        >>> simulate(condition, seed=1).shape
        (1, 12, 15, 7)
    """

    def __init__(self, path: pathlib.Path, spec: DetectorSpec) -> None:
        signature = signature_of(path)
        conditions = tuple(one["name"] for one in signature.get("conditions", []))
        shape = tuple(signature.get("response", {}).get("shape", []))
        if (signature.get("detector"), shape, conditions) != (
            spec.name,
            spec.shape,
            spec.condition_names,
        ):
            raise ValueError(
                f"{path}: simulates detector {signature.get('detector')!r}, responses "
                f"{shape} of {', '.join(conditions)}; the reference is {spec.name!r}, "
                f"{spec.shape} of {', '.join(spec.condition_names)}: give another one"
            )
        self.path = path
        self.spec = spec
        self.name = str(signature.get("model", path.name))
        self.mask = str(signature.get("mask", "mask"))
        self.trained_energies_gev: list[float] | None = signature.get(
            "trained_energies_gev"
        )
        self.history: Mapping[str, NDArray[np.float64]] = history_of(
            path.parent / "history.csv"
        )
        try:
            self._model = tf.saved_model.load(str(path))
            self._simulate = self._model.signatures["simulate"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise self._refused(error) from error

    def __call__(
        self, condition: NDArray[np.float32], seed: int
    ) -> NDArray[np.float32]:
        """Generates one response per condition.

        Args:
            condition: Conditions [spec.condition_units], [events, conditions].
            seed: Seed; chunk number i of 512 events is drawn with (seed, i).

        Returns:
            Responses [spec.unit], [events, *spec.shape].

        Raises:
            ValueError: If the model fails, or a response has a wrong shape or is not
                finite.
        """
        starts = enumerate(range(0, len(condition), CHUNK_EVENTS))
        return np.concatenate(
            [
                self.chunk(condition[start : start + CHUNK_EVENTS], seed, number)
                for number, start in starts
            ]
        )

    def chunk(
        self, condition: NDArray[np.float32], seed: int, number: int
    ) -> NDArray[np.float32]:
        """Generates the responses of one chunk, in one call of the model.

        Args:
            condition: Conditions [spec.condition_units], [events, conditions].
            seed: Seed of all chunks.
            number: The chunk; it is drawn with (seed, number).

        Returns:
            Responses [spec.unit], [events, *spec.shape].

        Raises:
            ValueError: See `__call__`.
        """
        try:
            answer = self._simulate(
                condition=tf.constant(condition), seed=tf.constant([seed, number])
            )
            response: NDArray[np.float32] = answer["response"].numpy()
        except (KeyError, TypeError, tf.errors.OpError) as error:
            raise self._refused(error) from error
        expected = (len(condition), *self.spec.shape)
        if response.shape != expected:
            raise ValueError(
                f"{self.path}: returned responses of shape {response.shape} instead of "
                f"{expected}"
            )
        if not np.isfinite(response).all():
            finite = np.isfinite(response.reshape(len(response), -1)).all(axis=1)
            values = ", ".join(f"{one:.4g}" for one in condition[np.argmin(finite)])
            raise ValueError(
                f"{self.path}: {int((~finite).sum())} of {len(response)} responses are "
                f"not finite, the first at condition ({values}); take another model"
            )
        return response

    def generate(self, reference: Reference, seed: int) -> NDArray[np.float32]:
        """See `Generator.generate`."""
        return self(reference.condition, seed)

    def generate_further(
        self, reference: Reference, seed: int
    ) -> list[NDArray[np.float32]]:
        """See `Generator.generate_further`."""
        samples = reference.further.values()
        return [self(one.condition, seed + n) for n, one in enumerate(samples, 1)]

    def _refused(self, error: Exception) -> ValueError:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return ValueError(f"{self.path}: the saved model does not run: {lines[0]}")
