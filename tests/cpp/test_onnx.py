"""The C++ loader on onnxruntime: against Python, where its headers are.

`ONNXRUNTIME_ROOT` names an unpacked release of onnxruntime. One with headers alone
serves too: the library is then that of the Python package.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.training.exports import onnx_model
from tests.cpp import programs
from tests.cpp.stand_in import export_stand_in

EVENTS = 7
CONDITION = (0.5, -0.5, 0.1)
SEED = (7, -3)

pytestmark = programs.needs_compiler


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """The folder of a release: headers, and a library under its two names."""
    given = os.environ.get("ONNXRUNTIME_ROOT", "")
    if not (Path(given) / "include" / "onnxruntime_c_api.h").is_file() or not given:
        pytest.skip("ONNXRUNTIME_ROOT names no release of onnxruntime with headers")
    package = Path(pytest.importorskip("onnxruntime").__file__).parent
    root = tmp_path_factory.mktemp("onnxruntime")
    (root / "include").symlink_to(Path(given).resolve() / "include")
    if (Path(given) / "lib").is_dir():
        (root / "lib").symlink_to(Path(given).resolve() / "lib")
    else:
        (root / "lib").mkdir()
        (library,) = (package / "capi").glob("libonnxruntime.so.*")
        for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
            (root / "lib" / name).symlink_to(library)
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a small ONNX model."""
    pytest.importorskip("tf2onnx")
    folder = tmp_path_factory.mktemp("stand_in")
    export_stand_in(folder / "saved_model")
    signature = {"signatures": {"simulate_from_noise": {"outputs": {}}}}
    (folder / "saved_model" / "signature.json").write_text(json.dumps(signature))
    condition = np.array([CONDITION], np.float32)
    onnx_model.export_onnx(folder / "saved_model", folder / "onnx", condition)
    return folder / "onnx"


@pytest.fixture(scope="module")
def build(runtime, model, tmp_path_factory):
    """Builds example and tests without TensorFlow."""
    directory = tmp_path_factory.mktemp("build")
    cmake = programs.find_cmake()
    options = [
        "-DFASTSIM_ZOO_TENSORFLOW=OFF",
        "-DFASTSIM_ZOO_ONNX=ON",
        "-DFASTSIM_ZOO_TESTS=ON",
        f"-DONNXRUNTIME_ROOT={runtime}",
        f"-DFASTSIM_ZOO_TEST_ONNX={model}",
        f"-DFASTSIM_ZOO_TEST_CONDITION={';'.join(map(str, CONDITION))}",
    ]
    programs.run(cmake, "-S", programs.CPP, "-B", directory, *options)
    programs.run(cmake, "--build", directory, "--parallel", 2)
    ctest = Path(cmake).with_name("ctest")
    programs.run(ctest, "--test-dir", directory, "--output-on-failure")
    return directory


def _noise(rows, columns):
    """Draws as `normal_noise.hpp`, from TensorFlow's words of the same generator."""
    key = np.array(SEED, np.int32).view(np.uint32).astype(np.uint64)
    words = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[-(-rows * columns // 4) * 4],
        key=[key[0] | (key[1] << np.uint64(32))],
        counter=np.zeros(2, np.uint64),
        alg=1,
        dtype=tf.uint32,
    ).numpy()
    first, second = (words[n::2] >> 8 for n in (0, 1))
    radius = np.sqrt(-2.0 * np.log((first + 1) * 2.0**-24))
    angle = 2.0 * np.pi * second * 2.0**-24
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return pairs.ravel()[: rows * columns].reshape(rows, columns).astype(np.float32)


def test_the_example_answers_like_python(build, model, tmp_path):
    """It needs no TensorFlow, and `ctest` has passed."""
    scales = np.linspace(0.9, 1.1, EVENTS, dtype=np.float32)[:, None]
    conditions = scales * np.float32(CONDITION)
    conditions[3] *= 1e3
    np.savetxt(tmp_path / "in.csv", conditions, fmt="%.9g", delimiter=",")
    files = [tmp_path / "in.csv", tmp_path / "out.csv"]
    program = build / "simulate_onnx"
    programs.run(program, model, *files, "--seed", *SEED, "--threads", 1)
    table = np.loadtxt(files[1], delimiter=",", dtype=np.float32)
    session = onnx_model.open_session(model, threads=1)
    size = session.get_inputs()[1].shape[1]
    inputs = {"condition": conditions, "noise": _noise(EVENTS, size)}
    response, in_domain = session.run(None, inputs)
    assert np.flatnonzero(~in_domain).tolist() == [3]
    np.testing.assert_array_equal(table[:, 0], in_domain)
    expected = response.reshape(EVENTS, -1)
    largest = np.abs(expected).max(axis=1, keepdims=True)
    assert np.max(np.abs(table[:, 1:] - expected) / largest) < 4e-6
    if readelf := shutil.which("readelf"):
        assert "tensorflow" not in programs.run(readelf, "-d", program)
