"""Learning rates that fall in steps, or along a cosine."""

import pytest

from models.training.optimizers import adam


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.4), (49, 0.4), (51, 0.2), (80, 0.2), (81, 0.1), (200, 0.1)]
)
def test_the_rate_falls_at_fractions_of_the_training(step, rate):
    optimizer = adam((0.4, 0.2, 0.1), (0.5, 0.8), 100, (0.0, 0.99))
    assert float(optimizer._learning_rate(step)) == pytest.approx(rate)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.99)


def test_two_rates_without_changes_are_the_ends_of_half_a_cosine():
    optimizer = adam((0.4, 0.1), (), 100, (0.5, 0.99))
    rates = [float(optimizer._learning_rate(step)) for step in (0, 50, 100, 150)]
    assert rates == pytest.approx([0.4, 0.25, 0.1, 0.1])
    assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.99)


@pytest.mark.parametrize(
    ("rates", "changes"), [((0.1,), ()), ((0.1, 0.2, 0.3), ()), ((0.1,), (0.5,))]
)
def test_rates_and_changes_must_fit(rates, changes):
    with pytest.raises(ValueError, match="learning rates need"):
        adam(rates, changes, 100, (0.0, 0.9))
