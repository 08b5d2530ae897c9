"""The rules that keep the house: sizes, names, what a source may not contain."""

import ast
import collections
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "common", "models", "losses", "metrics", "data", "benchmarks", "examples",
)  # fmt: skip
SCRIPTS = ("train", "evaluate", "simulate", "convert", "generate", "export_onnx")
MAX_LINES, MAX_FILES = 400, 14

# A name on the package index where it is not the name that one imports.
IMPORT_NAMES = {
    "absl-py": "absl",
    "scikit-learn": "sklearn",
    "tensorflow-cpu": "tensorflow",
}
# Used through another package: Keras's callback writes with tensorboard.
INDIRECT = {"tensorboard"}
# Imported only where it is installed.
OPTIONAL = {
    "geant4_pybind", "onnx", "onnxruntime", "pidgan", "pyarrow", "tf2onnx", "torch",
    "uproot",
}  # fmt: skip

SOURCES = sorted(
    [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    + [path for name in SCRIPTS for path in ROOT.glob(f"{name}.py")]
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
NATIVE = sorted(
    path
    for folder in ("cpp", "examples")
    for pattern in ("*.hpp", "*.h", "*.cpp", "*.cc", "*.c")
    for path in (ROOT / folder).rglob(pattern)
    if "build" not in path.relative_to(ROOT).parts
)
ENTRIES = sorted(
    path.stem
    for path in (ROOT / "models").glob("*.py")
    if not path.stem.startswith("_")
)
REQUIREMENT_FILES = sorted(ROOT.glob("requirements*.txt"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _requirements(path: Path) -> dict[str, str]:
    """The packages of one list, each with what follows its name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    matches = [re.match(r"([A-Za-z][\w.-]*)([^#]*)", line) for line in lines]
    return {match[1].lower(): match[2] for match in matches if match}


def _offences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What no source may contain, as (line, description)."""
    for node in ast.walk(tree):
        match node:
            case ast.Assert():
                yield node.lineno, "assert: raise an error that names the remedy"
            case ast.Call(func=ast.Name(id="eval" | "exec" as function)):
                yield node.lineno, f"{function}()"
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                yield node.value.lineno, "allow_pickle=True"
            case ast.keyword(arg="safe_mode"):
                yield node.value.lineno, "safe_mode: Keras's own default is on"
            case ast.Attribute(attr="enable_unsafe_deserialization"):
                yield node.lineno, "enable_unsafe_deserialization()"
    for line, name in _imports(tree):
        if name in {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal"}:
            yield line, f"import {name}"


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The top-level names of the modules that a source imports, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield node.lineno, alias.name.partition(".")[0]
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module.partition(".")[0]


def _third_party_imports() -> set[str]:
    ours = {*PACKAGES, *SCRIPTS, *sys.stdlib_module_names}
    return {
        name
        for path in SOURCES
        for _, name in _imports(ast.parse(path.read_text(encoding="utf-8")))
        if name not in ours
    }


def test_the_rules_have_something_to_check():
    assert SOURCES
    assert TESTS
    assert ENTRIES
    assert REQUIREMENT_FILES


@pytest.mark.parametrize("path", SOURCES + TESTS + NATIVE, ids=_name)
def test_no_file_is_long(path):
    assert _lines(path) <= MAX_LINES


ROOMS = sorted({path.parent for path in SOURCES if path.parent != ROOT})


@pytest.mark.parametrize("folder", ROOMS, ids=_name)
def test_a_folder_says_what_lives_there_and_is_not_crowded(folder):
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len(list(folder.glob("*.py"))) - 1 <= MAX_FILES


def test_no_two_modules_share_a_name():
    modules = [path for path in SOURCES if path.name != "__init__.py"]
    counts = collections.Counter(path.stem for path in modules)
    shared = [_name(path) for path in modules if counts[path.stem] > 1]
    assert shared == []


def test_no_two_classes_share_a_name():
    """Except `Config`, which every entry of the zoo has."""
    counts = collections.Counter(
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, count in counts.items() if count > 1} == {"Config"}


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_assert_and_no_code_from_data(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [f"line {line}: {what}" for line, what in _offences(tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        "assert True",
        "x = eval('1')",
        "exec('x = 1')",
        "np.load(path, allow_pickle=True)",
        "keras.models.load_model(path, safe_mode=False)",
        "keras.config.enable_unsafe_deserialization()",
        "import pickle",
        "from joblib import load",
        "def f():\n    import pickle as p",
    ],
)
def test_the_search_for_offences_finds_them(source):
    assert len(list(_offences(ast.parse(source)))) == 1


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_has_its_test(entry):
    path = ROOT / "tests" / "models" / f"test_{entry}.py"
    assert path.is_file()
    assert re.search(
        rf"""check_entry\(\s*["']{entry}["']""", path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("path", REQUIREMENT_FILES, ids=_name)
def test_every_requirement_is_pinned_and_explained(path):
    explained = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    constrained = "-c requirements.txt" in path.read_text(encoding="utf-8")
    pins = _requirements(ROOT / "requirements.txt") if constrained else {}
    for name, specifier in _requirements(path).items():
        assert "==" in pins.get(name, specifier), f"{name} has no pinned version"
        assert f"| `{name}` |" in explained, f"{name} is not in docs/dependencies.md"


def test_requirements_are_what_the_sources_import():
    listed = {
        IMPORT_NAMES.get(name, name)
        for name in _requirements(ROOT / "requirements.txt")
    }
    assert listed - INDIRECT == _third_party_imports() - OPTIONAL


def test_the_gpu_list_is_the_runtime_list():
    def packages(name):
        return set(_requirements(ROOT / name)) - {"tensorflow-cpu"}

    assert packages("requirements-gpu.txt") == packages("requirements.txt")


@pytest.mark.parametrize("command", ["make train", "make test"])
def test_readme_opens_with_the_two_commands(command):
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert any(command in line for line in readme[:40])
