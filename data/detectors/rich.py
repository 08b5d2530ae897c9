"""Two ring-imaging Cherenkov detectors like LHCb's."""

from typing import Any

import keras
import numpy as np

from data.detectors import particles
from data.detectors.spec import Condition, DetectorSpec, DomainRange


def _species_index(condition: Condition) -> Any:
    codes = np.array(particles.PDG_CODES, np.float32)
    matches = keras.ops.equal(condition[:, 3:4], codes)
    index = keras.ops.cast(keras.ops.argmax(matches, axis=-1), "float32")
    return keras.ops.where(keras.ops.any(matches, axis=-1), index, -1.0)


def spec() -> DetectorSpec:
    """The likelihoods of two ring-imaging Cherenkov detectors like LHCb's.

    A response holds the differences of log-likelihoods between five hypotheses and the
    pion, those of a track as a kaon, muon, electron, proton and below threshold. The
    species of the track is its absolute PDG code. The domain is that of the tracks of
    `data.simulation.rich.toy`.

    Source: Maevskiy et al., arXiv:1905.11825; LHCb RICH, arXiv:1211.6759.
    """
    components = ("dll_k", "dll_mu", "dll_e", "dll_p", "dll_bt")
    shape = (len(components),)
    return DetectorSpec(
        name="rich",
        shape=shape,
        response_name="difference of log-likelihoods",
        unit="1",
        lower_bound=None,
        condition_names=(
            "momentum_gev",
            "pseudorapidity",
            "number_of_tracks",
            "species_pdg",
        ),
        condition_units=("GeV", "1", "1", "1"),
        domain=(
            DomainRange("momentum_gev", "GeV", 2.0, 100.0, lambda c: c[:, 0]),
            DomainRange("pseudorapidity", "1", 1.9, 4.9, lambda c: c[:, 1]),
            DomainRange("number_of_tracks", "1", 10.0, 500.0, lambda c: c[:, 2]),
            DomainRange("species_index", "1", 0.0, 4.0, _species_index),
        ),
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=np.zeros((*shape, 3), np.float32),
        component_names=components,
    )
