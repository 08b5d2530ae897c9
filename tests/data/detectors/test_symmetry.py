import dataclasses

import numpy as np
import pytest

from data import detectors
from data.detectors.symmetry import symmetries


@pytest.fixture(scope="module")
def hgcal():
    return detectors.get("hgcal")


@pytest.fixture(scope="module", params=["hgcal", "box"])
def detector(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def group(detector):
    return symmetries(detector)


def test_a_hexagon_has_twelve_operations_and_a_square_eight(hgcal, box):
    assert len(symmetries(hgcal).cells) == 12
    assert len(symmetries(box).cells) == 8


def test_without_rotations_x_and_y_keep_their_sizes(detector, group):
    kept = symmetries(detector, rotations=False)
    assert len(kept.cells) == 4
    known = {cells.tobytes() for cells in group.cells}
    assert {cells.tobytes() for cells in kept.cells} < known
    for matrix in kept.conditions:
        np.testing.assert_array_equal(np.abs(matrix), np.eye(len(matrix)))
    np.testing.assert_array_equal(kept.cells[0], group.cells[0])


def test_identity_comes_first(group):
    np.testing.assert_array_equal(group.cells[0], np.arange(group.cells.shape[1]))
    np.testing.assert_array_equal(group.conditions[0], np.eye(3))


def test_operations_are_permutations_within_layers(group, detector):
    exists = detector.cells.ravel()
    z = detector.positions_cm.reshape(-1, 3)[:, 2]
    for cells in group.cells:
        np.testing.assert_array_equal(np.sort(cells), np.arange(len(cells)))
        np.testing.assert_array_equal(exists[cells], exists)
        np.testing.assert_array_equal(z[cells], z)


def test_content_lands_where_the_matrix_says(group, detector):
    """Cell i receives the content of cells[i]: the matrix carries that one to i."""
    positions = detector.positions_cm.reshape(-1, 3)
    exists = np.flatnonzero(detector.cells.ravel())
    for cells, matrix in zip(group.cells, group.conditions, strict=True):
        condition = np.ones((len(exists), 3))
        condition[:, 1:] = positions[cells[exists], :2]
        carried = condition @ matrix.T
        np.testing.assert_allclose(carried[:, 1:], positions[exists, :2], atol=1e-4)
        np.testing.assert_array_equal(carried[:, 0], 1)


def test_operations_form_a_group(group):
    """The product of any two operations is an operation again; each occurs once."""
    known = {cells.tobytes() for cells in group.cells}
    assert len(known) == len(group.cells)
    for first in group.cells:
        assert {second[first].tobytes() for second in group.cells} == known


def test_conditions_are_carried_by_rotations(group):
    for matrix in group.conditions:
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-6)


def test_a_lopsided_detector_keeps_its_one_mirror(box):
    cells = box.cells.copy()
    cells[0, 1] = False
    lopsided = dataclasses.replace(box, cells=cells)
    assert len(symmetries(lopsided).cells) == 2


def test_without_plane_vectors_conditions_stay(box):
    group = symmetries(dataclasses.replace(box, plane_vectors=()))
    np.testing.assert_array_equal(group.conditions, np.tile(np.eye(3), (8, 1, 1)))
