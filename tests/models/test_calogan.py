"""CaloGAN: the contract, the published networks, what its losses ask for."""

import dataclasses

import models
from data import detectors, transforms
from models import calogan
from models.training import config
from tests.contract import check_entry

SPEC = detectors.get("calogan")
TINY = {
    "noise": 3,
    "start_channels": 2,
    "generator_filters": (2, 2),
    "critic_filters": (2, 2, 2, 2),
    "similarity": (2, 3),
    "batch_size": 8,
}


def _config(preset="cpu", **changes):
    return dataclasses.replace(
        config.resolve(models.load("calogan"), preset), **changes
    )


def _build(settings, response_per_gev=10.0):
    return calogan.build(settings, SPEC, transforms.EnergyPerGev(response_per_gev))


def test_the_contract():
    check_entry("calogan", TINY, detector="calogan")
