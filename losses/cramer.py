"""Objectives of the Cramer GAN, whose critic gives features instead of a score.

All functions take features h of events, float32 [batch, features], and one weight per
event or pair of events, float32 [batch]. Weights are signed: with sWeights, background
cancels on average in every sum, so that none may be clipped or made positive. A
function returns one loss per event, [batch]; the trainer averages.

With E the mean over independent events, the energy distance of reference x and
generated g is 2 E|h(x) - h(g)| - E|h(x) - h(x')| - E|h(g) - h(g')|. It needs two
generated events, and two of the reference at the same condition, which data do not
have. The critic therefore maximises a surrogate in which the second is replaced by the
origin of the features: E[f(x, g') - f(g, g')] with f(a, b) = |h(a) - h(b)| - |h(a)|.
The surrogate is not the energy distance.

Source: Bellemare et al., arXiv:1705.10743; Maevskiy et al., arXiv:1905.11825.
"""

from typing import Any

import tensorflow as tf

Tensor = Any

# The root's slope is infinite where two events agree.
_TINY = 1e-12


def _norm(features: Tensor) -> Tensor:
    return tf.sqrt(tf.reduce_sum(tf.square(features), axis=-1) + _TINY)


def distance(first: Tensor, second: Tensor) -> Tensor:
    """Returns the Euclidean distance of pairs of events.

    Args:
        first: Features, float32 [batch, features].
        second: Features of their partners, float32 [batch, features].

    Returns:
        Distances, float32 [batch].
    """
    return _norm(first - second)


def potential(point: Tensor, other: Tensor) -> Tensor:
    """Returns f(a, b) = |h(a) - h(b)| - |h(a)|, what the critic says of an event.

    Args:
        point: h(a), float32 [batch, features].
        other: h(b) of a generated event, float32 [batch, features].

    Returns:
        float32 [batch].
    """
    return distance(point, other) - _norm(point)


def surrogate(real: Tensor, fake: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """Returns w (f(x, g') - f(g, g')), what the critic maximises.

    Args:
        real: h(x) of reference events, float32 [batch, features].
        fake: h(g) of generated events, float32 [batch, features].
        other: h(g') of further generated events, float32 [batch, features].
        weight: w, float32 [batch].

    Returns:
        float32 [batch].
    """
    return weight * (potential(real, other) - potential(fake, other))


def energy(real: Tensor, fake: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """Returns w (|h(x) - h(g)| + |h(x) - h(g')| - |h(g) - h(g')|).

    Where all three events have the same condition, its mean is the energy distance of
    the conditional distributions but for the term of two reference events, which no
    generator changes: smallest where both are distributed alike.

    Args:
        real: h(x) of reference events, float32 [batch, features].
        fake: h(g) of generated events, float32 [batch, features].
        other: h(g') of further generated events, float32 [batch, features].
        weight: w, float32 [batch].

    Returns:
        float32 [batch].
    """
    to_real = distance(real, fake) + distance(real, other)
    return weight * (to_real - distance(fake, other))
