import numpy as np
import pytest

from data import detectors
from data.detectors.summed_cells import summed
from data.events import DataError
from data.production.drawn_conditions import DrawnConditions
from data.production.shares import BLOCK_EVENTS, Share

ECAL, HGCAL, RICH = (detectors.get(name) for name in ("ecal", "hgcal", "rich"))


def domain(spec, **other):
    ranges = {limits.name: (limits.low, limits.high) for limits in spec.domain} | other
    return [{"name": k, "low": low, "high": high} for k, (low, high) in ranges.items()]


@pytest.mark.parametrize(
    "spec", [ECAL, summed(ECAL, 6), HGCAL, RICH], ids=lambda s: s.name
)
def test_all_are_inside_and_depend_on_block_and_seed_alone(spec):
    drawn = DrawnConditions(spec, domain(spec), seed=1)
    block = drawn.block(Share(5000), 2)
    assert block.shape == (BLOCK_EVENTS, len(spec.condition_names))
    assert block.dtype == np.float32
    assert np.asarray(spec.in_domain(block)).all()
    np.testing.assert_array_equal(block, drawn.block(Share(9 * 512, 1, 3), 2))
    np.testing.assert_array_equal(block[:76], drawn.block(Share(1100), 2))
    for other in (
        drawn.block(Share(5000), 3),
        DrawnConditions(spec, domain(spec), 2).block(Share(5000), 2),
    ):
        assert (block != other).any(axis=1).mean() > 0.9


def test_uniform_in_the_range():
    drawn = DrawnConditions(HGCAL, domain(HGCAL, energy_gev=(30.0, 40.0)), 0)
    energy = np.concatenate([drawn.block(Share(10_240), n) for n in range(20)])[:, 0]
    scaled = np.sort((energy - 30) / 10)
    # The largest distance of the distribution from a uniform one: Kolmogorov's 1e-6.
    expected = np.arange(len(scaled)) / len(scaled)
    assert np.abs(scaled - expected).max() * np.sqrt(len(scaled)) < 2.7


def test_the_ends_are_inside_in_single_precision():
    """0.1 and 0.3 are no float32: the nearest ones lie outside 0.1 to 0.3."""
    low, high = 0.1, float(np.nextafter(np.float32(0.1), np.float32(1)))
    drawn = DrawnConditions(HGCAL, domain(HGCAL, impact_x_cm=(low, high)), 0)
    values = drawn.block(Share(512), 0)[:, 1].astype(np.float64)
    assert values.min() >= low
    assert values.max() <= high


def test_species_are_those_of_the_model():
    drawn = DrawnConditions(RICH, domain(RICH, species_index=(3.0, 4.0)), 0)
    block = drawn.block(Share(512), 0)
    assert set(block[:, 3]) == {321, 2212}
    np.testing.assert_array_equal(block[:, 2], np.round(block[:, 2]))


def test_a_range_without_an_end_is_refused():
    with pytest.raises(DataError, match=r"energy_gev has no ends .* give --conditions"):
        DrawnConditions(HGCAL, domain(HGCAL, energy_gev=(1.0, np.inf)), 0)
