"""The layout of the LHCb studies; those of the HGCAL are in test_readers.py."""

import numpy as np
import pytest

from data import detectors
from data.files import readers
from data.files.readers import DataError

ECAL = detectors.get("ecal")


def write(path, **changes):
    """Writes four events, of which each array can be replaced or left out (None)."""
    image = np.zeros((4, 30, 30), np.float32)
    image[:, 20, 10] = [1, 2, 3, 4]
    arrays = {
        "EnergyDeposit": image,
        "ParticleMomentum": np.arange(12, dtype=np.float32).reshape(4, 3) + 1,
        "ParticlePoint": np.full((4, 2), 0.25, np.float32) * [1, -1],
        "ParticlePDG": np.full(4, 11),
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_lhcb_ecal(tmp_path):
    path = write(tmp_path / "data_train.npz")
    assert readers.detect(path).name == "ecal"
    assert readers.splits(path) == {}
    found = readers.read(path, ECAL)
    assert found.response.shape == (4, 30, 30)
    assert found.response[:, 20, 10].tolist() == [1, 2, 3, 4]
    assert found.response.sum() == 10
    assert found.condition.tolist() == [
        [1, 2, 3, 0.25, -0.25],
        [4, 5, 6, 0.25, -0.25],
        [7, 8, 9, 0.25, -0.25],
        [10, 11, 12, 0.25, -0.25],
    ]


def test_last_axis_of_one_and_third_coordinate_are_dropped(tmp_path):
    plain = readers.read(write(tmp_path / "a.npz"), ECAL)
    with np.load(tmp_path / "a.npz") as arrays:
        image, point = arrays["EnergyDeposit"], arrays["ParticlePoint"]
    path = write(
        tmp_path / "b.npz",
        EnergyDeposit=image[..., None],
        ParticlePoint=np.column_stack([point, np.full(4, 7.0)]),
    )
    found = readers.read(path, ECAL)
    np.testing.assert_array_equal(found.response, plain.response)
    np.testing.assert_array_equal(found.condition, plain.condition)


WRONG = {
    "image": (
        {"EnergyDeposit": np.zeros((4, 30, 29))},
        r"responses have shape \(4, 30, 29\), detector 'ecal' needs \(events, 30, 30\)",
    ),
    "two channels": (
        {"EnergyDeposit": np.zeros((4, 30, 30, 2))},
        r"responses have shape \(4, 30, 30, 2\)",
    ),
    "fewer images": (
        {"EnergyDeposit": np.zeros((3, 30, 30))},
        r"conditions have shape \(4, 5\), 3 events need \(3, 5\)",
    ),
    "momentum of two": (
        {"ParticleMomentum": np.ones((4, 2))},
        r"conditions have shape \(4, 4\)",
    ),
    "flat momentum": (
        {"ParticleMomentum": np.ones(4)},
        r"do not fit the layout 'LHCb ECAL', .*ParticleMomentum \(4,\)",
    ),
    "fewer momenta": (
        {"ParticleMomentum": np.ones((3, 3))},
        r"do not fit the layout 'LHCb ECAL', .*ParticleMomentum \(3, 3\)",
    ),
    "point of one": (
        {"ParticlePoint": np.ones((4, 1))},
        r"do not fit the layout 'LHCb ECAL', .*ParticlePoint \(4, 1\)",
    ),
    "point of four": (
        {"ParticlePoint": np.ones((4, 4))},
        r"do not fit the layout 'LHCb ECAL', .*ParticlePoint \(4, 4\)",
    ),
    "flat point": (
        {"ParticlePoint": np.ones(4)},
        r"do not fit the layout 'LHCb ECAL', .*ParticlePoint \(4,\)",
    ),
    "negative energy": (
        {"EnergyDeposit": np.full((4, 30, 30), -1.0)},
        r"event 0: cell energy -1 MeV in cell \(0, 0\) is below",
    ),
    "nan": ({"ParticlePoint": np.full((4, 2), np.nan)}, "event 0: condition .*finite"),
    "prediction": (
        {"ParticleMomentum": None, "ParticlePoint": None},
        "no known layout has the arrays EnergyDeposit, ParticlePDG; .*LHCb ECAL: Energ",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_gives_one_line(tmp_path, name):
    changes, message = WRONG[name]
    path = write(tmp_path / "x.npz", **changes)
    with pytest.raises(DataError, match=message) as caught:
        readers.read(path, ECAL)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_another_detector_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds detector 'ecal', not 'hgcal'"):
        readers.read(write(tmp_path / "x.npz"), detectors.get("hgcal"))
