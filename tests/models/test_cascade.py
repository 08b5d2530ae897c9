"""The cascade: the contract, and its own parts."""

import pytest

import models
from data import detectors, transforms
from models import cascade
from models.training import config
from tests.contract import check_entry

TINY = {
    "widths": (6,),
    "components": (2,),
    "layer_groups": 1,
    "hidden": 8,
    "batch_size": 8,
}


def test_the_contract():
    check_entry("cascade", TINY, detector="hgcal", flips=1)


def test_the_default_has_the_shape_of_an_image():
    settings = config.resolve(models.load("cascade"), "cpu")
    model = cascade.build(settings, detectors.get("ecal"), transforms.Identity())
    assert model.network.output_shape == (None, 30, 30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transform": "log"}, "transform must be 'identity', is 'log'"),
        ({"widths": ()}, "of at least 1; received \\[\\]"),
        ({"components": (0,)}, "of at least 1; received .*\\[0\\]"),
        ({"turns": (2,)}, "turns must be 1 or 4, received \\[2\\]"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    settings = cascade.Config(**changes)
    with pytest.raises(ValueError, match=message):
        cascade.build(settings, detectors.get("ecal"), transforms.Identity())


def test_likelihoods_of_particles_are_no_shower():
    with pytest.raises(ValueError, match=r"cascade needs responses \[row, column\]"):
        cascade.build(cascade.Config(), detectors.get("rich"), transforms.Identity())
