"""Rotations and mirror images that map a detector onto itself."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec

_TOLERANCE_CM = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class SymmetryGroup:
    """The operations of the x-y plane under which a detector looks the same.

    Attributes:
        cells: For every operation and cell of the image, the flat index of the cell
            whose content it receives, int32 [operations, cells].
        conditions: For every operation the matrix that carries the condition along,
            float32 [operations, conditions, conditions].
    """

    cells: NDArray[np.int32]
    conditions: NDArray[np.float32]


def _candidates(rotations: bool) -> list[NDArray[np.float64]]:
    if not rotations:
        signs = ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0))
        return [np.diag(pair) for pair in signs]
    matrices = []
    for angle in np.unique(
        np.concatenate([np.arange(0, 360, 60), np.arange(0, 360, 90)])
    ):
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        for mirror in (1.0, -1.0):
            rotation = np.array([[cosine, -sine], [sine, cosine]])
            matrices.append(rotation @ np.diag([1.0, mirror]))
    return matrices


def symmetries(spec: DetectorSpec, rotations: bool = True) -> SymmetryGroup:
    """Finds the rotations by 60 or 90 degrees and mirror images that fit a detector.

    An operation fits if it maps the existing cells of every layer onto existing cells.
    Dead cells do not count: they are an accident of the readout, applied afterwards.

    Args:
        spec: The detector. Its conditions named in `plane_vectors` rotate too.
        rotations: Whether there are rotations. Without them, x and y each keep their
            size: where conditions scatter more widely in x than in y, they still do.

    Returns:
        The group, the identity first.
    """
    positions = spec.positions_cm.reshape(-1, 3).astype(np.float64)
    exists = np.flatnonzero(spec.cells.reshape(-1))
    layers = np.unique(positions[exists, 2])
    operations, condition_matrices = [], []
    for matrix in _candidates(rotations):
        source = np.arange(len(positions))
        fits = True
        for z in layers:
            members = exists[positions[exists, 2] == z]
            # The target cell receives the content of the cell that lands on it.
            landing = positions[members, :2] @ matrix.T
            distance = np.linalg.norm(
                positions[members, None, :2] - landing[None], axis=-1
            )
            nearest = distance.argmin(axis=1)
            if distance.min(axis=1).max() > _TOLERANCE_CM:
                fits = False
                break
            source[members] = members[nearest]
        if not fits:
            continue
        carried = np.eye(len(spec.condition_names))
        for first, second in spec.plane_vectors:
            carried[np.ix_([first, second], [first, second])] = matrix
        operations.append(source)
        condition_matrices.append(carried)
    return SymmetryGroup(
        np.asarray(operations, np.int32), np.asarray(condition_matrices, np.float32)
    )
