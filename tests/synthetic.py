"""Small made-up samples, so that no test needs the real showers."""

import json

import numpy as np

from data.detectors import particles
from data.events import SPLITS, Sample
from data.files import writers

BEAMS_GEV = (20.0, 50.0, 90.0)
SPLIT_FRACTIONS = (0.6, 0.2, 0.2)
ANGLES_DEG = (30.0, 15.0)

# Networks of `wgan_constrained` that are built and trained in seconds.
TINY_WGAN = {
    "noise": 4,
    "noise_maps": 7,
    "branch_hidden": 4,
    "branch_channels": 2,
    "branch_filters": (2,),
    "branch_outputs": 1,
    "trunk": ((4, 3, 3),),
    "cell_embedding": 1,
    "impact_scales_cm": (1.2,),
    "statistics_hidden": 3,
    "statistics_steps": 2,
    "summary_thresholds": (1.0, 4.0),
    "critic_filters": ((4, 3, 2),),
    "critic_dense": 4,
    "critic_summary": 4,
    "constrainer_filters": ((2, 2),),
    "critic_steps": 2,
    "batch_size": 8,
}


def momenta_gev(events, random):
    """Draws momenta of beam energies, inclined up to `ANGLES_DEG` in xz and yz."""
    slopes = np.tan(np.radians(random.uniform(-1.0, 1.0, (events, 2)) * ANGLES_DEG))
    momentum = np.column_stack([slopes, np.ones(events)])
    momentum /= np.linalg.norm(momentum, axis=1, keepdims=True)
    return momentum * random.choice(BEAMS_GEV, (events, 1))


def conditions(spec, events, random):
    """Draws conditions inside the detector's domain, energies from a few beams."""
    ranges = {limit.name: limit for limit in spec.domain}
    momentum = iter(momenta_gev(events, random).T if spec.name == "ecal" else ())
    columns = []
    for name in spec.condition_names:
        if name == "species_pdg":
            columns.append(random.choice(particles.PDG_CODES, events))
        elif name == "energy_gev":
            columns.append(random.choice(BEAMS_GEV, events))
        elif name in ranges:
            columns.append(random.uniform(ranges[name].low, ranges[name].high, events))
        elif name.startswith("momentum_"):
            columns.append(next(momentum))
        else:
            columns.append(random.uniform(-1.0, 1.0, events))
    drawn = np.stack(columns, axis=1).astype(np.float32)
    assert np.all(spec.in_domain(drawn))
    return drawn


def sample(spec, events, seed=1):
    """Makes events of sparse, positive responses that grow with the energy.

    Likelihoods have any sign, and the weights of their events too.
    """
    random = np.random.default_rng(seed)
    condition = conditions(spec, events, random)
    if spec.lower_bound is None:
        response = random.normal(3.0, 10.0, (events, *spec.shape))
        response *= random.random(response.shape) < 0.97
        weight = random.normal(0.6, 0.7, events).astype(np.float32)
        return Sample(response.astype(np.float32), condition, weight)
    energy = np.linalg.norm(condition[:, list(spec.energy_conditions)], axis=1)
    shape = (events, *spec.shape)
    response = random.exponential(1.0, shape) * (random.random(shape) < 0.2)
    response *= energy.reshape(-1, *[1] * len(spec.shape)) * spec.cells
    return Sample(response.astype(np.float32), condition)


def write(path, spec, events, seed=1):
    """Writes a canonical file with all three splits."""
    random = np.random.default_rng(seed)
    split = random.choice(SPLITS, events, p=SPLIT_FRACTIONS)
    writers.write(path, spec, sample(spec, events, seed), split=split)
    return path


def assignments(settings):
    """Returns the `--set` options that give these settings."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }
    return [f"--set={name}={text}" for name, text in texts.items()]
