import pytest

from data import detectors
from data.detectors.exported_spec import spec_of_signature
from data.detectors.summed_cells import summed

CONDITIONS = ("momentum_x_gev", "momentum_y_gev", "momentum_z_gev", "impact_x_cm")


def signature(name, shape, conditions, **more):
    return {
        "detector": name,
        "response": {"shape": list(shape)},
        "conditions": [{"name": one, "unit": "1"} for one in conditions],
        **more,
    }


def described(**more):
    entries = {
        "domain": [{"name": "a", "unit": "1", "low": 1, "high": 2}],
        "cells": [[1, 0], [1, 1]],
        "dead_cells": [[0, 0], [0, 1]],
        "positions_cm": [[[0, 0, 0]] * 2] * 2,
    }
    found = signature("mine", (2, 2), ("a", "b"), **entries | more)
    found["response"] |= {"name": "charge", "unit": "fC", "lower_bound": None}
    return found


@pytest.mark.parametrize("cell_cm", [2, 6])
def test_detectors_of_the_zoo(cell_cm):
    expected = summed(detectors.get("ecal"), cell_cm)
    found = spec_of_signature(
        signature(expected.name, expected.shape, expected.condition_names)
    )
    assert (found.name, found.summed) == (expected.name, expected.summed)
    assert (found.positions_cm == expected.positions_cm).all()


def test_a_detector_that_the_signature_describes():
    found = spec_of_signature(described())
    assert (found.name, found.unit, found.lower_bound) == ("mine", "fC", None)
    assert found.cells.tolist() == [[True, False], [True, True]]
    assert found.dead_cells.tolist() == [[False, False], [False, True]]
    condition = found.positions_cm.reshape(-1, 3)[:, :2] + 1.5
    assert found.in_domain(condition).numpy().all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"detector": "hgcal"}, r"has \(12, 15, 7\) of energy_gev"),
        ({"detector": "ecal_6cm"}, r"has \(10, 10\)"),
        ({"cells": None, "detector": "other"}, "lacks"),
    ],
)
def test_a_signature_that_does_not_fit_is_refused(wrong, message):
    content = described()
    if wrong.pop("cells", 1) is None:
        del content["cells"]
    with pytest.raises(ValueError, match=message):
        spec_of_signature(content | wrong)
