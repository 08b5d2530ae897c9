"""The detector of an exported model, from the signature beside it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from data import detectors
from data.detectors.spec import DetectorSpec, DomainRange
from data.detectors.summed_cells import summed


def _component(index: int) -> Callable[[Any], Any]:
    return lambda condition: condition[:, index]


def spec_of_signature(signature: Mapping[str, Any]) -> DetectorSpec:
    """Returns the specification of the detector that a model simulates.

    That of `data.detectors`, also where its cells are summed. For any other one the
    signature holds shape, cells, positions, conditions and ranges; it does not hold
    vectors of conditions, the depth of showers and periodic axes, which only training
    and comparisons need.

    Args:
        signature: Content of `signature.json`.

    Raises:
        ValueError: If the signature lacks something, or is not that of the detector
            that it names.
    """
    name = str(signature.get("detector"))
    try:
        shape = tuple(int(size) for size in signature["response"]["shape"])
        conditions = tuple(str(one["name"]) for one in signature["conditions"])
        spec = _known(name) or _described(name, shape, conditions, signature)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"the signature of a model of detector {name!r} lacks {error}; export the "
            "model again"
        ) from error
    if (spec.shape, spec.condition_names) != (shape, conditions):
        raise ValueError(
            f"the model simulates responses {shape} of {', '.join(conditions)}, "
            f"detector {name!r} has {spec.shape} of {', '.join(spec.condition_names)}; "
            "export the model again"
        )
    return spec


def _known(name: str) -> DetectorSpec | None:
    """Returns a detector of the zoo or sums of its cells; None for any other."""
    if name in detectors.names():
        return detectors.get(name)
    match = re.fullmatch(r"(\w+)_([0-9.]+)cm", name)
    if match is not None and match[1] in detectors.names():
        return summed(detectors.get(match[1]), float(match[2]))
    return None


def _described(
    name: str,
    shape: tuple[int, ...],
    conditions: tuple[str, ...],
    signature: Mapping[str, Any],
) -> DetectorSpec:
    response = signature["response"]
    domain = []
    for one in signature["domain"]:
        if one["name"] in conditions:
            index = conditions.index(one["name"])
            domain.append(
                DomainRange(
                    one["name"], one["unit"], one["low"], one["high"], _component(index)
                )
            )
    bound = response["lower_bound"]
    return DetectorSpec(
        name=name,
        shape=shape,
        response_name=str(response["name"]),
        unit=str(response["unit"]),
        lower_bound=None if bound is None else float(bound),
        condition_names=conditions,
        condition_units=tuple(str(one["unit"]) for one in signature["conditions"]),
        domain=tuple(domain),
        cells=np.asarray(signature["cells"], bool).reshape(shape),
        dead_cells=np.asarray(signature["dead_cells"], bool).reshape(shape),
        positions_cm=np.asarray(signature["positions_cm"], np.float32).reshape(
            *shape, 3
        ),
        layer_depths_x0=tuple(signature.get("layer_depths_x0", ())),
    )
