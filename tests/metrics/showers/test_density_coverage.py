"""Density and coverage: the published code's numbers, closed forms, known faults."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from metrics.showers import density_coverage
from metrics.statistics.resampling import Resampling

# prdc 0.2 (pip install prdc; numpy 2.4.6, scikit-learn 1.9.1) on Python 3.11:
#   random = numpy.random.default_rng(20), then for each line, in this order,
#   real = random.normal(size=(n, features)),
#   fake = scale * random.normal(size=(m, features)) + shift,
#   prdc.compute_prdc(real, fake, 5)["density"], the same with "coverage".
PUBLISHED = [
    ((60, 60, 3, 1.0, 0.0), 1.1300000000000001, 0.9833333333333333),
    ((80, 50, 5, 0.7, 0.0), 1.564, 0.95),
    ((50, 70, 2, 1.0, 1.0), 0.7428571428571429, 0.8),
]


def _both(real, fake):
    weights = [np.full((1, len(sample)), 1.0 / len(sample)) for sample in (fake, real)]
    return density_coverage.Balls(real).contain(fake)(*weights)[:, 0]


def test_numbers_of_the_published_code():
    random = np.random.default_rng(20)
    for (n, m, features, scale, shift), density, covered in PUBLISHED:
        real = random.normal(size=(n, features))
        fake = scale * random.normal(size=(m, features)) + shift
        np.testing.assert_allclose(_both(real, fake), [density, covered], rtol=1e-12)


def test_the_expectation_of_a_perfect_model():
    random = np.random.default_rng(1)
    with threadpool_limits(1):
        found = [_both(*random.normal(size=(2, 40, 3))) for _ in range(100)]
    ranks = np.arange(5)
    missed = np.prod((39.0 - ranks) / (79.0 - ranks))
    error = np.std(found, axis=0) / np.sqrt(100)
    assert (np.abs(np.mean(found, axis=0) - [1.0, 1.0 - missed]) < 4.0 * error).all()


def test_weights_count_events_as_often_as_they_occur():
    random = np.random.default_rng(2)
    real, fake = random.normal(size=(30, 2)), random.normal(size=(20, 2))
    times = random.integers(0, 3, 20)
    weights = times[None] / times.sum(), np.full((1, 30), 1.0 / 30)
    found = density_coverage.Balls(real).contain(fake)(*weights)[:, 0]
    np.testing.assert_allclose(found, _both(real, np.repeat(fake, times, axis=0)))


def _measured(change):
    random = np.random.default_rng(3)
    reference, generated = random.normal(size=(2, 400, 4))
    resampling = Resampling(np.zeros(400, np.int64), seed=1)
    return density_coverage.density_and_coverage(
        change(generated), reference, resampling
    )


def test_a_perfect_model_reaches_the_floor():
    for metric in _measured(lambda generated: generated).values():
        assert abs(metric.z) < 3.0
        assert 0.0 < metric.uncertainty < 0.2


def test_showers_beside_the_reference_are_seen():
    found = _measured(lambda generated: 2.0 * generated)
    assert found["density"].z < -5.0
    assert found["density"].value < 0.5


def test_kinds_that_are_missing_are_seen():
    found = _measured(lambda generated: np.abs(generated))
    assert found["coverage"].value < 0.4
    # Worse is positive, although less is worse.
    assert found["coverage"].z > 5.0


def test_too_few_events_are_refused():
    with pytest.raises(ValueError, match="more than 5 events"):
        density_coverage.Balls(np.zeros((5, 2)))
