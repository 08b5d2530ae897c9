"""The registry of observables."""

import dataclasses

import numpy as np
import pytest

from data import detectors
from metrics.observables import registry
from tests.metrics import stand_in

HGCAL = detectors.get("hgcal")
ECAL = detectors.get("ecal")

# A track of 13 GeV that leaves the impact point (0.25, -0.25) towards (0.6, 0.8).
INCLINED = np.array([[3.0, 4.0, 12.0, 0.25, -0.25]], np.float32)


def test_every_observable_of_the_hgcal():
    one = registry.scalar_observables(HGCAL) + registry.layer_observables(HGCAL)
    names = [observable.name for observable in one]
    assert names == [
        "visible_energy",
        "energy_response",
        "depth",
        "number_of_hits",
        "number_of_hits_2mip",
        "number_of_hits_10mip",
        "radius",
        "centre_x",
        "centre_y",
        "maximum_cell_fraction",
        *(f"layer_energy_{layer}" for layer in range(1, 8)),
    ]
    assert all(observable.source for observable in one)


def test_values_of_a_shower_with_one_cell():
    cell = (4, 9, 2)
    x, y = HGCAL.positions_cm[cell][:2]
    condition = np.array([[50.0, 1.0, -2.0]], np.float32)
    one = registry.scalar_observables(HGCAL) + registry.layer_observables(HGCAL)
    values = registry.evaluate(one, stand_in.single_cell(HGCAL, cell, 5.0), condition)
    expected = {
        "visible_energy": 5.0,
        "energy_response": 0.1,
        "depth": 8.0,
        "number_of_hits": 1.0,
        "number_of_hits_2mip": 1.0,
        "number_of_hits_10mip": 0.0,
        "radius": np.hypot(x - 1.0, y + 2.0),
        "centre_x": x - 1.0,
        "centre_y": y + 2.0,
        "maximum_cell_fraction": 1.0,
    } | {f"layer_energy_{layer}": 5.0 * (layer == 3) for layer in range(1, 8)}
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], [value], rtol=1e-6, err_msg=name)


def test_every_observable_of_the_ecal():
    one = registry.scalar_observables(ECAL) + registry.layer_observables(ECAL)
    assert [observable.name for observable in one] == [
        "visible_energy",
        "energy_response",
        "number_of_hits",
        "number_of_hits_1mev",
        "number_of_hits_10mev",
        "number_of_hits_100mev",
        "radius",
        "centre_x",
        "centre_y",
        "width_along",
        "width_across",
        "asymmetry_along",
        "asymmetry_across",
        "centre_along",
        "centre_across",
        "central_energy_fraction",
        "maximum_cell_fraction",
    ]
    assert all(observable.source for observable in one)
    signed = {observable.name for observable in one if observable.signed}
    assert signed == {
        *("centre_x", "centre_y", "centre_along", "centre_across"),
        *("asymmetry_along", "asymmetry_across"),
    }


def test_values_of_an_inclined_shower_with_two_cells():
    """Two cells at (3, 3) and (3, 5); s = a + b ln 13, and 5/13 of it is transverse."""
    response = stand_in.single_cell(ECAL, (16, 16), 60.0)
    response[0, 16, 17] = 20.0
    one = registry.scalar_observables(ECAL)
    values = registry.evaluate(one, response, INCLINED)
    first, slope = ECAL.shower_depth_cm
    reach = (first + slope * np.log(13.0)) * 5.0 / 13.0
    centre, impact = np.array([3.0, 3.5]), np.array([0.25, -0.25])
    along, across = np.array([0.6, 0.8]), np.array([-0.8, 0.6])
    spread = 2.0 * np.sqrt(0.75 * 0.25)
    expected = {
        "visible_energy": 80.0,
        "energy_response": 80.0 / 13.0,
        "number_of_hits": 2.0,
        "number_of_hits_1mev": 2.0,
        "number_of_hits_10mev": 2.0,
        "number_of_hits_100mev": 0.0,
        "radius": 0.75 * np.hypot(2.75, 3.25) + 0.25 * np.hypot(2.75, 5.25),
        "centre_x": 2.75,
        "centre_y": 3.75,
        "width_along": 0.8 * spread,
        "width_across": 0.6 * spread,
        # The track is 5.2 cm from the impact point, the cells are 4.2 and 5.8 cm along
        # and 0.2 cm right and 0.9 cm left of it.
        "asymmetry_along": -0.5,
        "asymmetry_across": -0.5,
        "centre_along": (centre - impact) @ along - reach,
        "centre_across": (centre - impact) @ across,
        "central_energy_fraction": 1.0,
        "maximum_cell_fraction": 0.75,
    }
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], [value], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("spec", [HGCAL, ECAL], ids=lambda spec: spec.name)
@pytest.mark.filterwarnings("error")
def test_empty_showers_have_finite_observables(spec):
    response = np.zeros((4, *spec.shape), np.float32)
    condition = np.zeros((4, len(spec.condition_names)), np.float32)
    condition[1:] = INCLINED[:, : condition.shape[1]]
    one = registry.scalar_observables(spec) + registry.layer_observables(spec)
    values = registry.evaluate(one, response, condition)
    assert all(np.isfinite(value).all() for value in values.values())


def test_an_image_whose_shower_depth_is_not_known():
    unknown = dataclasses.replace(ECAL, shower_depth_cm=None)
    names = {one.name for one in registry.scalar_observables(unknown)}
    everything = {one.name for one in registry.scalar_observables(ECAL)}
    assert everything - names == {
        *("asymmetry_along", "asymmetry_across", "centre_along", "centre_across")
    }
    with pytest.raises(ValueError, match=r"'ecal' has no shower_depth_cm; .*fit"):
        registry.track_point(unknown, INCLINED)


def test_an_image_without_a_momentum():
    straight = dataclasses.replace(
        ECAL,
        condition_names=("energy_gev", "impact_x_cm", "impact_y_cm"),
        energy_conditions=(0,),
    )
    names = [one.name for one in registry.scalar_observables(straight)]
    assert "centre_x" in names
    assert not any(name.endswith(("along", "across")) for name in names)
    with pytest.raises(ValueError, match="has no condition 'momentum_x_gev'"):
        straight.momentum(np.ones((1, 3)))


def test_a_detector_without_layers_and_impact():
    image = dataclasses.replace(
        HGCAL,
        unit="MeV",
        condition_names=("energy_gev",),
        condition_units=("GeV",),
        shape=(12, 15),
        layer_depths_x0=(),
    )
    names = [one.name for one in registry.scalar_observables(image)]
    assert names == [
        "visible_energy",
        "energy_response",
        "number_of_hits",
        "number_of_hits_1mev",
        "number_of_hits_10mev",
        "number_of_hits_100mev",
        "maximum_cell_fraction",
    ]
    assert registry.layer_observables(image) == ()
    with pytest.raises(ValueError, match="has no condition 'impact_x_cm'"):
        image.impact(np.ones((2, 1)))


def test_responses_that_are_no_energies_are_refused():
    likelihoods = dataclasses.replace(HGCAL, lower_bound=None)
    with pytest.raises(ValueError, match="can be negative"):
        registry.scalar_observables(likelihoods)


def test_the_incident_energy_of_a_momentum_is_its_norm():
    momentum = dataclasses.replace(HGCAL, energy_conditions=(0, 1, 2))
    energy = momentum.incident_energy(np.array([[2.0, 3.0, 6.0]]))
    np.testing.assert_allclose(energy, [7.0])


def test_axes_carry_units():
    depth = next(
        one for one in registry.scalar_observables(HGCAL) if one.name == "depth"
    )
    assert depth.axis == "shower depth [X0]"


def test_an_inclined_track_moves_between_the_face_and_the_shower():
    ecal = detectors.get("ecal")
    condition = np.array([[3.0, 0.0, 4.0, 0.2, -0.1], [0, 0, 9, 0, 0]], np.float32)
    first, slope = ecal.shower_depth_cm
    # The tangent is 3/4, the sine 3/5.
    along = 0.6 * (first + slope * np.log(5.0))
    moved = registry.track_displacement(ecal, condition)
    np.testing.assert_allclose(moved, [[along, 0.0], [0.0, 0.0]], atol=1e-6)


def test_without_a_known_depth_the_track_does_not_move():
    hgcal = detectors.get("hgcal")
    condition = np.array([[50.0, 1.0, 2.0]], np.float32)
    assert not registry.track_displacement(hgcal, condition).any()
