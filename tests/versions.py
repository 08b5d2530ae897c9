"""Runs the tests on other Pythons and versions: python -m tests.versions NAME ...

NAME is `locked` (requirements-dev.lock), `newest` (the newest version of what
requirements-dev.txt names) or `oldest` (tests/oldest.txt). Each runs on every Python of
3.11 to 3.13 that is on the PATH, in an environment of its own in build/versions, which
takes 2.5 GB and minutes.
"""

import argparse
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "versions"
PYTHONS = ("3.11", "3.12", "3.13")

# They have to fit each other, and the export to ONNX fits these.
KEPT = ("tensorflow", "tensorflow-cpu", "keras", "tensorboard", "tf2onnx", "onnx")


def _lines(name: str) -> list[str]:
    """The requirements of a list and of those that it includes."""
    found = []
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found += _lines(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            found.append(line)
    return found


def _without_versions() -> str:
    """requirements-dev.txt, where only what is kept has a version."""
    lines = []
    for line in _lines("requirements-dev.txt"):
        name = re.match(r"[\w.-]+", line)[0]
        lines.append(line if name in KEPT else re.sub(r"==[^;\s]+", "", line))
    return "".join(f"{line}\n" for line in lines)


def _options(name: str, folder: pathlib.Path) -> list[str]:
    """What pip is to install."""
    if name == "locked":
        return ["--require-hashes", f"--requirement={ROOT / 'requirements-dev.lock'}"]
    free = folder / "requirements.txt"
    free.write_text(_without_versions(), encoding="utf-8")
    if name == "newest":
        return ["--upgrade", f"--requirement={free}"]
    return [f"--requirement={free}", f"--constraint={ROOT / 'tests' / 'oldest.txt'}"]


def _passes(name: str, python: str, flags: list[str]) -> bool:
    """Makes an environment anew and runs the tests in it."""
    folder = FOLDER / f"{name}-{python}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = folder / "venv" / "bin" / "python"
    for command in (
        [f"python{python}", "-m", "venv", folder / "venv"],
        [own, "-m", "pip", "install", "--quiet", *_options(name, folder)],
        [own, "-m", "pytest", "--numprocesses=2", "--dist=worksteal", *flags],
    ):
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return False
    return True


def main() -> None:
    """Runs what was asked for and says which of it passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=["locked", "newest", "oldest"])
    parser.add_argument("--pytest", default="", help="options for pytest")
    arguments = parser.parse_args()
    pythons = [one for one in PYTHONS if shutil.which(f"python{one}")]
    missing = [one for one in PYTHONS if one not in pythons]
    flags = shlex.split(arguments.pytest)
    results = {
        f"{name}, Python {python}": _passes(name, python, flags)
        for name in arguments.names
        for python in pythons
    }
    for what, passed in results.items():
        print(f"{what}: {'passed' if passed else 'FAILED'}")
    if missing:
        print(f"not run, as they are not installed: Python {', '.join(missing)}")
    sys.exit(not all(results.values()))


if __name__ == "__main__":
    main()
