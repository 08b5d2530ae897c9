import numpy as np
import pytest

from data import detectors
from data.detectors.symmetry import symmetries


@pytest.fixture(scope="module")
def hgcal():
    return detectors.get("hgcal")


@pytest.fixture(scope="module")
def ecal():
    return detectors.get("ecal")


def of_angles(energy, angle_xz, angle_yz, impact_x=0.0, impact_y=0.0):
    """Conditions of the ECAL, angles in degrees."""
    slopes = [np.tan(np.radians(angle_xz)), np.tan(np.radians(angle_yz)), 1.0]
    momentum = energy * np.array(slopes) / np.linalg.norm(slopes)
    return np.array([[*momentum, impact_x, impact_y]], np.float32)


def test_every_detector_is_consistent():
    for name in detectors.names():
        found = detectors.get(name)
        assert found.name == name
        assert found.cells.shape == found.dead_cells.shape == found.shape
        assert found.positions_cm.shape == (*found.shape, 3)
        assert len(found.condition_names) == len(found.condition_units)
        assert not (found.dead_cells & ~found.cells).any()
        assert np.isfinite(found.positions_cm).all()
        columns = set(range(len(found.condition_names)))
        assert {*found.energy_conditions, *np.ravel(found.plane_vectors)} <= columns


def test_unknown_detector():
    with pytest.raises(ValueError, match=r"unknown detector 'atlas'; known: .*hgcal"):
        detectors.get("atlas")


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


def test_ecal_is_a_centred_square_with_x_along_the_first_axis(ecal):
    place = ecal.positions_cm
    assert place.shape == (30, 30, 3)
    np.testing.assert_array_equal(np.diff(place[..., 0], axis=0), 2.0)
    np.testing.assert_array_equal(np.diff(place[..., 1], axis=1), 2.0)
    np.testing.assert_array_equal(np.ptp(place[..., 0], axis=1), 0.0)
    np.testing.assert_array_equal(np.ptp(place[..., 1], axis=0), 0.0)
    assert place[..., :2].sum() == 0.0
    assert ecal.cells.all()
    assert not ecal.dead_cells.any()


def test_ecal_conditions_are_momentum_and_impact(ecal):
    assert ecal.condition_names == (
        *(f"momentum_{axis}_gev" for axis in "xyz"),
        *(f"impact_{axis}_cm" for axis in "xy"),
    )
    assert ecal.plane_vectors == ((0, 1), (3, 4))
    assert ecal.energy_conditions == (0, 1, 2)


def test_ecal_showers_deepen_by_a_radiation_length_when_the_energy_grows_by_e(ecal):
    """Radiation lengths of the Particle Data Group: lead 0.561, polystyrene 41.3 cm."""
    layer_cm, layer_x0 = 0.2 + 0.4, 0.2 / 0.561 + 0.4 / 41.3
    first, slope = ecal.shower_depth_cm
    np.testing.assert_allclose(slope, layer_cm / layer_x0, rtol=0.02)
    # Rossi's maximum for an electron, in lead: ln(E / E_c) - 0.5 radiation lengths. The
    # mean of the usual gamma distribution with b = 0.5 lies two further down.
    mean = np.log(1000.0 / 7.43) - 0.5 + 2.0
    np.testing.assert_allclose(first, mean * layer_cm / layer_x0, rtol=0.15)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (of_angles(1.0006, 0, 0), True),
        (of_angles(100.0005, 0, 0), True),
        (of_angles(0.99, 0, 0), False),
        (of_angles(100.1, 0, 0), False),
        (of_angles(10, 74.9, 49.9), True),
        (of_angles(10, -74.9, -49.9), True),
        (of_angles(10, 75.1, 0), False),
        (of_angles(10, 0, -50.1), False),
        (of_angles(10, 20, 10, 0.5, -0.5), True),
        (of_angles(10, 0, 0, 0.51, 0), False),
        (of_angles(10, 0, 0, 0, -0.51), False),
        (-of_angles(10, 0, 0), False),
        (np.zeros((1, 5), np.float32), False),
        (np.array([[0, 0, np.inf, 0, 0]], np.float32), False),
    ],
)
def test_ecal_domain_is_energy_angles_and_impact(ecal, condition, expected):
    assert np.asarray(ecal.in_domain(condition)).tolist() == [expected]


def test_ecal_angles_and_energy_are_those_of_the_momentum(ecal):
    quantities = {limits.name: limits.quantity for limits in ecal.domain}
    condition = of_angles(30.0, -25.0, 12.0, 0.1, -0.2)
    expected = {
        "energy_gev": 30.0,
        "angle_xz_deg": -25.0,
        "angle_yz_deg": 12.0,
        "impact_x_cm": 0.1,
        "impact_y_cm": -0.2,
    }
    for name, value in expected.items():
        found = np.asarray(quantities[name](condition))
        np.testing.assert_allclose(found, [value], rtol=1e-5, err_msg=name)


def test_ecal_domain_works_inside_a_graph(ecal):
    import tensorflow as tf

    condition = tf.constant(np.concatenate([of_angles(5, 1, 2), of_angles(5, 80, 2)]))
    inside = tf.function(lambda values: ecal.in_domain(values))(condition)
    assert inside.numpy().tolist() == [True, False]


def test_ecal_has_the_symmetries_of_a_square(ecal):
    assert len(symmetries(ecal).cells) == 8


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
