"""The start of a command on machines that show less than usual."""

import subprocess
import sys

from tests.conftest import ROOT

# Without lscpu, joblib finds no physical cores and says so with a traceback.
TREES = """
import numpy as np
from common import command_line
from sklearn.ensemble import HistGradientBoostingClassifier
x = np.arange(200.0)
trees = HistGradientBoostingClassifier(max_iter=1).fit(x[:, None], x > 100)
print(trees.score(x[:, None], x > 100))
"""


def test_where_no_physical_cores_are_shown_nothing_is_said_of_it(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", TREES],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    assert float(ended.stdout) > 0.9
