import numpy as np
import pytest

from data import spec


@pytest.fixture(scope="module")
def hgcal():
    return spec.get("hgcal")


def test_every_detector_is_consistent():
    for name in spec.names():
        found = spec.get(name)
        assert found.name == name
        assert found.cells.shape == found.dead_cells.shape == found.shape
        assert found.positions_cm.shape == (*found.shape, 3)
        assert len(found.condition_names) == len(found.condition_units)
        assert not (found.dead_cells & ~found.cells).any()
        assert np.isfinite(found.positions_cm).all()


def test_unknown_detector():
    with pytest.raises(ValueError, match=r"unknown detector 'atlas'; known: .*hgcal"):
        spec.get("atlas")


def test_hgcal_has_121_cells_a_layer_and_119_alive(hgcal):
    assert hgcal.cells.sum(axis=(0, 1)).tolist() == [121] * 7
    assert hgcal.acceptance("mask").sum(axis=(0, 1)).tolist() == [119] * 7


def test_hgcal_neighbours_are_one_pitch_apart(hgcal):
    """Hexagons of side a stand sqrt(3) a apart; inner cells have six neighbours."""
    plane = hgcal.positions_cm[..., 0, :2][hgcal.cells[..., 0]].astype(float)
    distance = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    pitch = np.sqrt(3) * 0.6496
    np.testing.assert_allclose(distance.min(axis=1), pitch, rtol=1e-5)
    neighbours = (np.abs(distance - pitch) < 1e-4).sum(axis=1)
    assert neighbours.max() == 6
    assert neighbours[np.linalg.norm(plane, axis=1).argmin()] == 6


def test_hgcal_is_centred_and_layers_are_in_order(hgcal):
    plane = hgcal.positions_cm[hgcal.cells]
    np.testing.assert_allclose(plane[:, :2].mean(axis=0), 0, atol=1e-5)
    assert (np.diff(hgcal.positions_cm[5, 7, :, 2]) > 0).all()
    assert list(hgcal.layer_depths_x0) == sorted(hgcal.layer_depths_x0)


def test_acceptance_names(hgcal):
    np.testing.assert_array_equal(hgcal.acceptance("mask_full"), hgcal.cells)
    with pytest.raises(ValueError, match="'mask' or 'mask_full', received 'all'"):
        hgcal.acceptance("all")


def test_domain_is_closed_and_refuses_what_is_not_finite(hgcal):
    condition = np.array(
        [[20, 0, 0], [90, 0, 0], [19.9, 0, 0], [90.1, 0, 0], [np.nan, 0, 0]],
        np.float32,
    )
    inside = np.asarray(hgcal.in_domain(condition))
    assert inside.tolist() == [True, True, False, False, False]
    far = np.array([[50, 0, 9], [50, -9, 0], [50, 0, np.inf]], np.float32)
    assert not np.asarray(hgcal.in_domain(far)).any()


def test_domain_works_inside_a_graph(box):
    import tensorflow as tf

    condition = tf.constant([[50.0, 0, 0], [500.0, 0, 0]])
    inside = tf.function(lambda values: box.in_domain(values))(condition)
    assert inside.numpy().tolist() == [True, False]
