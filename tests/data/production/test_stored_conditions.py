import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import uproot

from data import detectors
from data.events import DataError, Sample
from data.files import lhcb_npz, writers
from data.production.shares import Share
from data.production.stored_conditions import StoredConditions

HGCAL, ECAL = detectors.get("hgcal"), detectors.get("ecal")
NAMES = HGCAL.condition_names
ROWS = np.random.default_rng(0).uniform(30, 80, (1300, 3)).astype(np.float32)
ROWS[:, 1:] = (ROWS[:, 1:] - 50) / 20
ROWS[7, 0] = 5  # Outside the domain.


def columns(rename=None):
    return {
        (rename or {}).get(name, name): ROWS[:, index]
        for index, name in enumerate(NAMES)
    }


def write_csv(path, values):
    rows = np.column_stack(list(values.values()))
    text = "\n".join(",".join(map(repr, map(float, row))) for row in rows)
    path.write_text(",".join(values) + "\n" + text + "\n")


def write_root(path, values):
    with uproot.recreate(path) as file:
        file["particles"] = values


WRITERS = {
    "canonical.h5": lambda path: writers.write(
        path, HGCAL, Sample(np.zeros((1300, *HGCAL.shape), np.float32), ROWS)
    ),
    "table.h5": lambda path: h5py.File(path, "w").create_dataset(
        "condition", data=ROWS
    ),
    "columns.npz": lambda path: np.savez(path, **columns()),
    "table.npz": lambda path: np.savez(path, condition=ROWS),
    "a.csv": lambda path: write_csv(path, columns()),
    "a.parquet": lambda path: pyarrow.parquet.write_table(
        pyarrow.table(columns()), path
    ),
    "a.root": lambda path: write_root(path, columns()),
}


def opened(path, num=None, spec=HGCAL, tree=None, **names):
    return StoredConditions([str(path)], spec, num, names, tree)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_conditions(tmp_path, name):
    WRITERS[name](tmp_path / name)
    stored = opened(tmp_path / name)
    assert (stored.rows, stored.num, stored.outside_domain) == (1300, 1300, 1)
    np.savez(tmp_path / "other.npz", condition=ROWS)
    assert stored.sha256 == opened(tmp_path / "other.npz").sha256
    for share in (Share(1300), Share(1300, 1, 2)):
        stored.keep(share, tmp_path / "kept")
        for block in share.blocks:
            events = share.events_of(block)
            expected = ROWS[events.start : events.stop]
            np.testing.assert_array_equal(stored.block(share, block), expected)


def test_more_events_than_rows_begin_again(tmp_path):
    WRITERS["table.npz"](tmp_path / "a.npz")
    share = Share(4000, 1, 2)
    stored = opened(tmp_path / "a.npz", 4000)
    stored.keep(share, tmp_path / "kept")
    found = np.concatenate([stored.block(share, block) for block in share.blocks])
    np.testing.assert_array_equal(
        found, np.tile(ROWS, (4, 1))[share.start : share.stop]
    )


def test_events_of_the_lhcb_layout_are_conditions(tmp_path):
    rows = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    sample = Sample(np.zeros((20, 30, 30), np.float32), rows)
    lhcb_npz.write_lhcb(tmp_path / "a.npz", sample)
    stored = opened(tmp_path / "a.npz", spec=ECAL)
    stored.keep(Share(20), tmp_path / "kept")
    np.testing.assert_array_equal(stored.block(Share(20), 0), rows)


def test_columns_under_other_names(tmp_path):
    write_csv(tmp_path / "a.csv", columns({"energy_gev": "E"}))
    assert opened(tmp_path / "a.csv", energy_gev="E").rows == 1300
    with pytest.raises(DataError, match=r"no column 'energy_gev'.*has E, impact_x_cm"):
        opened(tmp_path / "a.csv")
    with pytest.raises(
        DataError, match=r"--columns=energy=\.\.\.: 'energy' is no condition"
    ):
        opened(tmp_path / "a.csv", energy="E")


def test_bad_files_are_refused(tmp_path):
    rows = ROWS.copy()
    rows[40, 1] = np.nan
    np.savez(tmp_path / "nan.npz", condition=rows)
    np.savez(tmp_path / "shape.npz", condition=rows[:, :2])
    np.savez(tmp_path / "names.npz", energy=rows[:, 0])
    np.savez(tmp_path / "empty.npz", condition=rows[:0])
    sample = Sample(np.zeros((2, 30, 30), np.float32), np.zeros((2, 5), np.float32))
    writers.write(tmp_path / "ecal.h5", ECAL, sample)
    for name, message in {
        "nan.npz": "event 40: condition .* is not finite",
        "shape.npz": r"conditions have shape \(1300, 2\), .* needs \(events, 3\)",
        "names.npz": "no known layout has the arrays energy",
        "empty.npz": "no rows",
        "ecal.h5": "condition_names is 'momentum_x_gev",
        "none.csv": "no such file",
        "none.txt2": "unknown format",
    }.items():
        with pytest.raises(DataError, match=message) as caught:
            opened(tmp_path / name)
        assert "\n" not in str(caught.value)
