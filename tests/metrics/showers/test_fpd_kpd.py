"""Closed forms of the Fréchet and the kernel physics distance."""

import numpy as np
import pytest
import scipy.linalg

from metrics.showers import fpd_kpd
from metrics.statistics.resampling import Resampling

EVENTS = 400
RESAMPLING = Resampling(np.arange(EVENTS) % 2, seed=1, splits=2, replicates=8)


def _sample(seed, events=EVENTS, features=3):
    return np.random.default_rng(seed).normal(size=(events, features))


def _exactly(mean, root, events=500):
    """Returns a sample that has exactly this mean and covariance root @ root.T."""
    sample = _sample(9, events, len(mean))
    sample -= sample.mean(axis=0)
    own = np.linalg.cholesky(np.cov(sample.T))
    return sample @ np.linalg.inv(own).T @ np.asarray(root).T + mean


def _equal_weights(sample):
    return np.full((1, len(sample)), 1.0 / len(sample))


def _value(prepare, first, second):
    return prepare(first, second)(_equal_weights(first), _equal_weights(second))[0]


def _double_loop(first, second):
    def kernel(x, y):
        return (sum(x * y) / len(x) + 1.0) ** 4

    def within(sample):
        return np.mean(
            [kernel(x, y) for i, x in enumerate(sample)
             for j, y in enumerate(sample) if i != j]
        )  # fmt: skip

    cross = np.mean([kernel(x, y) for x in first for y in second])
    return within(first) + within(second) - 2.0 * cross


def test_distance_of_gaussians_with_commuting_covariances():
    # |mu1 - mu2|^2 + sum (sigma1 - sigma2)^2 = 3^2 + 4^2 + 1^2 + 2^2.
    first = _exactly([3.0, 4.0, 0.0], np.diag([1.0, 2.0, 5.0]))
    second = _exactly([0.0, 0.0, 0.0], np.diag([2.0, 2.0, 3.0]))
    assert fpd_kpd.frechet_distance(first, second) == pytest.approx(30.0)
    assert fpd_kpd.frechet_distance(second, first) == pytest.approx(30.0)


def test_distance_is_that_of_the_matrix_square_root():
    random = np.random.default_rng(4)
    first = _exactly([0.0, 1.0, 0.5, 0.0], random.normal(size=(4, 4)))
    second = _exactly([0.2, 0.0, 0.0, 0.0], random.normal(size=(4, 4)))
    s1, s2 = np.cov(first.T), np.cov(second.T)
    shift = first.mean(axis=0) - second.mean(axis=0)
    root = np.real(scipy.linalg.sqrtm(s1 @ s2))
    expected = shift @ shift + np.trace(s1 + s2 - 2.0 * root)
    assert fpd_kpd.frechet_distance(first, second) == pytest.approx(expected)


def test_an_offset_of_both_samples_changes_nothing():
    first, second = _sample(1) + 0.1, _sample(2)
    near = fpd_kpd.frechet_distance(first, second)
    far = fpd_kpd.frechet_distance(first + 1e6, second + 1e6)
    assert far == pytest.approx(near, rel=1e-6)


def test_covariances_without_full_rank_are_fine():
    base, other = _sample(1, features=2), 2.0 * _sample(2, features=2)
    mixing = np.random.default_rng(3).normal(size=(2, 6))
    first, second = base @ mixing, other @ mixing
    found = fpd_kpd.frechet_distance(first, second)
    # An orthogonal basis of the plane in which everything happens.
    plane = np.linalg.svd(mixing, full_matrices=False)[2].T
    expected = fpd_kpd.frechet_distance(first @ plane, second @ plane)
    assert found == pytest.approx(expected, rel=1e-6)
    assert fpd_kpd.frechet_distance(first, first) == pytest.approx(0.0, abs=1e-12)
    constant = np.zeros((EVENTS, 6))
    assert fpd_kpd.frechet_distance(constant, constant) == 0.0
    value = _value(fpd_kpd.weighted_frechet_distance, first, second)
    assert np.isrealobj(value)
    assert value == pytest.approx(found, rel=0.2)


def test_extrapolation_removes_the_bias():
    # Two samples of one Gaussian in k dimensions: the means alone add 2 k / N.
    pairs = [(_sample(seed, 160, 4), _sample(seed + 500, 160, 4)) for seed in range(60)]
    plain = np.mean([fpd_kpd.frechet_distance(*pair) for pair in pairs])
    extrapolated = [_value(fpd_kpd.weighted_frechet_distance, *pair) for pair in pairs]
    error = np.std(extrapolated) / np.sqrt(len(pairs))
    assert plain > 2.0 * 4.0 / 160.0
    assert abs(np.mean(extrapolated)) < 4.0 * error
    assert abs(np.mean(extrapolated)) < 0.15 * plain
    assert min(extrapolated) < 0.0


def test_extrapolation_of_a_shift_is_the_shift():
    first, second = _sample(1, 4000), _sample(2, 4000) + np.eye(3)[0]
    value = _value(fpd_kpd.weighted_frechet_distance, first, second)
    assert value == pytest.approx(1.0, abs=0.2)


def test_identical_samples_have_no_distance():
    sample = _sample(1)
    assert fpd_kpd.frechet_distance(sample, sample) == pytest.approx(0.0, abs=1e-12)
    value = _value(fpd_kpd.weighted_frechet_distance, sample, sample)
    assert value == pytest.approx(0.0, abs=1e-12)


def test_weights_of_the_frechet_distance_act_like_repeated_events(monkeypatch):
    monkeypatch.setattr(fpd_kpd, "BLOCKS", (1, 2))
    first, second = _sample(1, 60), _sample(2, 60)
    # Every block keeps its number of events: each second pair is drawn doubly.
    counts = np.tile(np.repeat([2.0, 0.0], 2), 15)
    repeated = [sample[(counts > 0.0).nonzero()[0]] for sample in (first, second)]
    weights = (counts / counts.sum())[np.newaxis]
    found = fpd_kpd.weighted_frechet_distance(first, second)(weights, weights)[0]

    def twice(sample):
        return np.repeat(sample, 2, axis=0)

    whole = fpd_kpd.frechet_distance(*(twice(sample) for sample in repeated))
    halves = [
        fpd_kpd.frechet_distance(*(twice(sample[start::2]) for sample in repeated))
        for start in range(2)
    ]
    # The line through (1 / 60, whole) and (2 / 60, halves) at 0.
    assert found == pytest.approx(2.0 * whole - np.mean(halves))


def test_kernel_distance_is_the_double_loop():
    first, second = _sample(1, 12), _sample(2, 9) + 0.3
    assert fpd_kpd.kernel_distance(first, second) == pytest.approx(
        _double_loop(first, second)
    )


def test_kernel_distance_has_no_bias():
    found = [
        fpd_kpd.kernel_distance(_sample(seed, 25), _sample(seed + 900, 25))
        for seed in range(200)
    ]
    assert abs(np.mean(found)) < 4.0 * np.std(found) / np.sqrt(len(found))
    assert min(found) < 0.0


def test_weights_of_the_kernel_distance_leave_out_pairs_of_one_event():
    first, second = _sample(1, 8), _sample(2, 8)
    counts = np.array([2.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    weights = counts[np.newaxis] / 8.0
    found = fpd_kpd.weighted_kernel_distance(first, second)(weights, weights)[0]
    kernels = [(a @ b.T / 3.0 + 1.0) ** 4 for a, b in
               [(first, first), (second, second), (first, second)]]  # fmt: skip
    different = np.outer(counts, counts) * (1.0 - np.eye(8))
    within = [(k * different).sum() / different.sum() for k in kernels[:2]]
    cross = (kernels[2] * np.outer(counts, counts)).sum() / 64.0
    assert found == pytest.approx(sum(within) - 2.0 * cross)


def test_kernel_distance_is_the_median_of_batches(monkeypatch):
    monkeypatch.setattr(fpd_kpd, "BATCH_EVENTS", 10)
    first, second = _sample(1, 30), _sample(2, 30)
    first[4] *= 100.0
    batches = [
        fpd_kpd.kernel_distance(first[start::3], second[start::3]) for start in range(3)
    ]
    found = _value(fpd_kpd.weighted_kernel_distance, first, second)
    assert found == pytest.approx(np.median(batches))
    assert found < 1e-3 * max(batches)


@pytest.mark.parametrize(
    "measure", [fpd_kpd.frechet_physics_distance, fpd_kpd.kernel_physics_distance]
)
def test_metrics_do_not_depend_on_the_units_of_the_features(measure):
    generated, reference = _sample(1) + 0.5, _sample(2)
    constant = np.ones((EVENTS, 1))
    units = np.array([1e4, 1e-4, 3.0])
    found = measure(generated, reference, RESAMPLING)
    again = measure(
        np.hstack([units * generated - 7.0, constant]),
        np.hstack([units * reference - 7.0, constant]),
        RESAMPLING,
    )
    assert again.value == pytest.approx(found.value)
    assert again.floor == pytest.approx(found.floor)
    assert again.z == pytest.approx(found.z)


@pytest.mark.parametrize(
    "measure", [fpd_kpd.frechet_physics_distance, fpd_kpd.kernel_physics_distance]
)
def test_metrics_tell_a_shift_from_a_perfect_model(measure):
    perfect = [
        measure(_sample(seed), _sample(seed + 50), RESAMPLING) for seed in range(6)
    ]
    z = [metric.z for metric in perfect]
    assert abs(np.mean(z)) < 1.2
    assert np.max(np.abs(z)) < 3.5
    shifted = measure(_sample(1) + 0.6, _sample(2), RESAMPLING)
    assert shifted.z > 3.0
    for metric in perfect:
        assert abs(metric.floor) < 0.2 * shifted.value
        assert 0.0 < metric.uncertainty < shifted.value


def test_too_few_events_for_the_features_are_refused():
    features = _sample(1, features=50)
    with pytest.raises(ValueError, match=r"50 features.*received 50.*--num"):
        fpd_kpd.frechet_physics_distance(features, features, RESAMPLING)
