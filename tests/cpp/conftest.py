"""One build of the loader for all tests that call it."""

import sys

import pytest

from tests.cpp.programs import CPP, FAST_LINKER, Build, find_cmake, run


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Builds example and tests with warnings as errors, and installs the loader."""
    cmake = find_cmake()
    directory = tmp_path_factory.mktemp("build")
    prefix = tmp_path_factory.mktemp("prefix")
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    options = ["-DFASTSIM_ZOO_TESTS=ON", python, *FAST_LINKER]
    run(cmake, "-S", CPP, "-B", directory, *options)
    run(cmake, "--build", directory, "--parallel", 2)
    run(cmake, "--install", directory, "--prefix", prefix)
    return Build(directory, prefix, cmake)
