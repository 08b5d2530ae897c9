"""Settings and fixtures that all tests share."""

import functools
import importlib.util
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]

# The same examples on every machine, and no limit on the time of one: a loaded
# machine is not an error. Nor is it one that examples are made slowly there.
hypothesis.settings.register_profile(
    "fastsim_zoo",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("fastsim_zoo")


class Script:
    """A script of the repository, loaded with a register of flags of its own.

    The scripts define flags of the same names, of which one process can have only one.

    Attributes:
        module: The script as a module.
        flags: Its flags.
    """

    def __init__(self, name, patch):
        """Loads it.

        Args:
            name: File name without ".py".
            patch: A `pytest.MonkeyPatch`.
        """
        from absl import flags

        self._name = f"{name}.py"
        self.flags = flags.FlagValues()
        with patch.context() as loading:
            loading.setattr(flags, "FLAGS", self.flags)
            for function in dir(flags):
                if function.startswith(("DEFINE_", "mark_flag", "register_", "multi_")):
                    own = functools.partial(
                        getattr(flags, function), flag_values=self.flags
                    )
                    loading.setattr(flags, function, own)
            file = importlib.util.spec_from_file_location(name, ROOT / self._name)
            self.module = importlib.util.module_from_spec(file)
            file.loader.exec_module(self.module)
        patch.setattr(sys, "argv", [self._name])

    def __call__(self, *options):
        """Runs it and returns what its process would end with."""
        self.flags.unparse_flags()
        try:
            self.module.main(self.flags([self._name, *options]))
        except SystemExit as end:
            return end.code
        return 0


@pytest.fixture
def script(monkeypatch):
    """Loads a script by its name, to run it in this process."""
    return lambda name: Script(name, monkeypatch)
