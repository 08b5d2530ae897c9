"""Builds and runs the programs of `cpp/`, for its tests."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).resolve().parents[2]
CPP = ROOT / "cpp"
COMPILERS = (os.environ.get("CXX", "c++"), "g++", "clang++")
EVENTS = 11
# The usual linker takes five seconds for TensorFlow's libraries, this one takes one.
FAST_LINKER = (
    ["-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=gold"] if shutil.which("ld.gold") else []
)

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason="no C++ compiler on PATH"
)


@dataclass(frozen=True)
class Build:
    """A build tree, where it is installed, and the `cmake` that made it."""

    directory: Path
    prefix: Path
    cmake: str


@dataclass(frozen=True)
class Model:
    """A SavedModel's directory, and conditions inside its trained range."""

    path: Path
    condition: tuple[float, ...]

    def conditions(self):
        """Returns conditions of several different events inside the range."""
        scales = np.linspace(0.98, 1.02, EVENTS, dtype=np.float32)
        return scales[:, None] * np.float32(self.condition)


def run(*command, cwd=None):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.args}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def find_cmake():
    # The pip package `cmake` installs beside the interpreter.
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    cmake = shutil.which("cmake", path=os.pathsep.join(folders))
    assert cmake, "cmake not found: pip install -r requirements-dev.txt"
    return cmake


def simulate_in_python(model, conditions, seed, batch):
    signature = tf.saved_model.load(str(model.path)).signatures["simulate"]
    responses, in_domain = [], []
    for chunk, start in enumerate(range(0, len(conditions), batch)):
        answer = signature(
            condition=tf.constant(conditions[start : start + batch]),
            seed=tf.constant([seed[0], seed[1] + chunk]),
        )
        responses.append(answer["response"].numpy())
        in_domain.append(answer["in_domain"].numpy())
    responses = np.concatenate(responses)
    return responses.reshape(len(conditions), -1), np.concatenate(in_domain)


def run_program_of_the_readme(build, number, saved_model, folder):
    """Builds a program with the installed loader, as the page says; its output."""
    readme = (CPP / "README.md").read_text()
    blocks = re.findall(r"^```(cpp|cmake)\n(.*?)^```", readme, re.M | re.S)
    program = [text for language, text in blocks if language == "cpp"][number]
    (folder / "example.cpp").write_text(program)
    (folder / "CMakeLists.txt").write_text(dict(blocks)["cmake"])
    path = folder / re.search(r'"(pretrained/.*)"', program)[1]
    path.parent.mkdir(parents=True)
    path.symlink_to(saved_model)
    options = [
        f"-DCMAKE_PREFIX_PATH={build.prefix}",
        f"-DPython3_EXECUTABLE={sys.executable}",
        *FAST_LINKER,
    ]
    run(build.cmake, "-S", ".", "-B", "build", *options, cwd=folder)
    run(build.cmake, "--build", "build", cwd=folder)
    return run(folder / "build" / "example", cwd=folder)
