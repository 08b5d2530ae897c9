"""The cascade: the contract, and its own parts."""

import pytest

from tests.contract import check_entry

TINY = {
    "widths": (6,),
    "components": (2,),
    "hidden": 8,
    "batch_size": 8,
}


@pytest.mark.parametrize("detector", ["ecal", "hgcal"])
def test_the_contract(detector):
    check_entry("cascade", TINY, detector=detector, flips=1)
