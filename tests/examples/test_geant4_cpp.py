"""The example in C++ compiles against declarations of what it uses of Geant4."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "geant4_cpp"
DECLARATIONS = Path(__file__).with_name("geant4_declarations.hpp")


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_the_example_compiles_without_warnings(tmp_path):
    sources = [path.read_text(encoding="utf-8") for path in EXAMPLE.glob("*.?pp")]
    headers = re.findall(r"#include <((?:G4\w+|Randomize)\.hh)>", "\n".join(sources))
    assert len(set(headers)) > 30
    for header in headers:
        (tmp_path / header).write_text(f'#include "{DECLARATIONS}"\n')
    tensorflow = Path(importlib.util.find_spec("tensorflow").origin).parent
    done = subprocess.run(
        ["g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
         "-Werror", f"-I{tmp_path}", f"-I{ROOT / 'cpp' / 'include'}",
         "-isystem", f"{tensorflow}/include", str(EXAMPLE / "calorimeter.cpp")],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
