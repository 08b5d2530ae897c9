"""The features of the physics PRD."""

import numpy as np
import pytest

from data import detectors
from metrics.observables import competition2019
from metrics.showers import physics_features
from tests.metrics import made_up


def test_physics_features_of_layers_leave_out_the_layers():
    comparison = made_up.comparison(detectors.get("hgcal"))
    generated, reference = physics_features.physics_features(comparison, "standard")
    names = [one.name for one in comparison.observables if "layer" not in one.name]
    expected = np.column_stack([comparison.values[1][name] for name in names])
    np.testing.assert_array_equal(reference, expected)
    assert generated.shape == reference.shape


def test_physics_features_of_images_are_the_published_ones():
    spec = detectors.get("ecal")
    comparison = made_up.comparison(spec, condition=made_up.ecal_conditions(60))
    _, reference = physics_features.physics_features(comparison, "standard")
    names = ["width_along", "width_across", "asymmetry_along", "asymmetry_across"]
    values = comparison.values[1]
    names += [name for name in values if name.startswith("number_of_hits")]
    expected = {tuple(values[name]) for name in names}
    assert {tuple(column) for column in reference.T} == expected


def test_the_competition_counts_in_cells_of_the_ecal():
    spec = detectors.get("ecal")
    condition = made_up.ecal_conditions(60)
    comparison = made_up.comparison(spec, condition=condition)
    _, reference = physics_features.physics_features(comparison, "competition2019")
    expected = competition2019.features(
        comparison.reference, condition[:, :3], condition[:, 3:] / 2.0
    )
    np.testing.assert_allclose(reference, expected)
    with pytest.raises(ValueError, match="is for detector 'ecal', received 'hgcal'"):
        physics_features.physics_features(
            made_up.comparison(detectors.get("hgcal")), "competition2019"
        )
    with pytest.raises(ValueError, match="unknown prd_mode 'other'; known: standard"):
        physics_features.physics_features(
            made_up.comparison(detectors.get("hgcal")), "other"
        )
