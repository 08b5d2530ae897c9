"""The registry of observables."""

import dataclasses

import numpy as np
import pytest

from data import spec as detectors
from metrics import observables
from tests import synthetic
from tests.metrics import stand_in

HGCAL = detectors.get("hgcal")


def test_every_observable_of_the_hgcal():
    one = observables.scalar_observables(HGCAL) + observables.layer_observables(HGCAL)
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
    one = observables.scalar_observables(HGCAL) + observables.layer_observables(HGCAL)
    values = observables.evaluate(
        one, stand_in.single_cell(HGCAL, cell, 5.0), condition
    )
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


def test_empty_showers_have_finite_observables():
    sample = synthetic.sample(HGCAL, 4)
    one = observables.scalar_observables(HGCAL) + observables.layer_observables(HGCAL)
    values = observables.evaluate(one, 0.0 * sample.response, sample.condition)
    assert all(np.isfinite(value).all() for value in values.values())


def test_a_detector_without_layers_and_impact():
    image = dataclasses.replace(
        HGCAL,
        unit="MeV",
        condition_names=("energy_gev",),
        condition_units=("GeV",),
        shape=(12, 15),
        layer_depths_x0=(),
    )
    names = [one.name for one in observables.scalar_observables(image)]
    assert names == [
        "visible_energy",
        "energy_response",
        "number_of_hits",
        "maximum_cell_fraction",
    ]
    assert observables.layer_observables(image) == ()
    with pytest.raises(ValueError, match="has no condition 'impact_x_cm'"):
        observables.impact(image, np.ones((2, 1)))


def test_responses_that_are_no_energies_are_refused():
    likelihoods = dataclasses.replace(HGCAL, lower_bound=None)
    with pytest.raises(ValueError, match="can be negative"):
        observables.scalar_observables(likelihoods)


def test_the_incident_energy_of_a_momentum_is_its_norm():
    momentum = dataclasses.replace(HGCAL, energy_conditions=(0, 1, 2))
    energy = observables.incident_energy(momentum, np.array([[2.0, 3.0, 6.0]]))
    np.testing.assert_allclose(energy, [7.0])


def test_axes_carry_units():
    depth = next(
        one for one in observables.scalar_observables(HGCAL) if one.name == "depth"
    )
    assert depth.axis == "shower depth [X0]"
