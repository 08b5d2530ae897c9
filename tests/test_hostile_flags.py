"""Whatever stands on a command line: it runs, or ends in one line and status 2."""

import ast
import json
import pathlib

import hypothesis
import pytest
from absl import flags
from hypothesis import strategies as st

from common import command_line
from data.detectors.exported_spec import spec_of_signature
from data.samples.bundled import sample_of
from metrics.evaluation.saved_model import signature_of, species_of
from tests.data import made_tables
from tests.fuzz import seeds

ROOT = pathlib.Path(__file__).resolve().parents[1]

SCRIPTS = ("train", "evaluate", "generate", "convert", "simulate", "export_onnx")

VALUES = st.one_of(
    st.sampled_from(
        ["", "-1", "0", "1", "1e999", "nan", "9" * 5000, "[" * 5000, "true", "a=b",
         "steps=[1", "../..", "/dev/null", "/proc/self/mem", "a" * 300, "x.h5", "x.npz",
         "0/0", "1/0", "hdf5", ",", ",,a", "a\nb", "\x1b[2J", "é", "\udcff", "%s", "*"]
    ),
    st.text(alphabet="a0=,./-[]{}\"'", max_size=6),
)  # fmt: skip


@pytest.fixture
def command(script, tmp_path, monkeypatch, capsys):
    """Runs a script in an empty folder: its status, and what it says on stderr."""
    monkeypatch.chdir(tmp_path)

    def load(name):
        loaded = script(name)

        def run(*options):
            own = loaded.flags
            monkeypatch.setattr(flags, "FLAGS", own)
            own.unparse_flags()
            for flag in own:
                own[flag].unparse()
            try:
                loaded.module.main(command_line.parse([f"{name}.py", *options]))
            except SystemExit as end:
                return end.code, capsys.readouterr().err
            return 0, capsys.readouterr().err

        return run

    return load


def own_flags(name):
    """Names of the flags that a script defines."""
    tree = ast.parse((ROOT / f"{name}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted(
        call.args[0].value
        for call in calls
        if getattr(call.func, "attr", "").startswith("DEFINE_")
    )


def check(status, errors):
    assert status in (0, 2)
    if status:
        assert errors.count("\n") == 1
        assert errors[:-1].isprintable()


@pytest.mark.parametrize("name", SCRIPTS)
def test_any_flags(command, name):
    run, names = command(name), own_flags(name)
    assert names

    @hypothesis.settings(max_examples=12)
    @hypothesis.given(
        chosen=st.lists(st.tuples(st.sampled_from(names), VALUES), max_size=5)
    )
    def try_them(chosen):
        check(*run(*(f"--{flag}={value}" for flag, value in chosen)))

    try_them()


@pytest.mark.parametrize("kind", ["events", "tracks"])
def test_any_flags_of_a_conversion_that_could_succeed(command, tmp_path, kind):
    given_flags = ["--output=out.h5"]
    if kind == "events":
        seeds.described(tmp_path / "in.h5")
        given_flags += ["--input=in.h5"]
    else:
        columns = made_tables.named(made_tables.tracks(6), made_tables.TEXT)
        made_tables.write_text(tmp_path / "in.csv", columns)
        given_flags += ["--input=in.csv", "--species=kaon"]
    run = command("convert")
    assert run(*given_flags)[0] == 0
    names = sorted({*own_flags("convert")} - {"input", "output"})

    @hypothesis.settings(max_examples=15)
    @hypothesis.given(
        chosen=st.lists(st.tuples(st.sampled_from(names), VALUES), max_size=2)
    )
    def try_them(chosen):
        check(*run(*given_flags, *(f"--{flag}={value}" for flag, value in chosen)))
        assert {path.name for path in tmp_path.iterdir()} == {
            "out.h5",
            given_flags[1].removeprefix("--input="),
        }

    try_them()


KEYS = (
    "name", "low", "high", "unit", "shape", "domain", "conditions", "response",
    "detector", "versions", "trained_energies_gev",
)  # fmt: skip
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text("a", max_size=2)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    ),
    max_leaves=12,
)


@hypothesis.settings(max_examples=80)
@hypothesis.given(document=JSON)
def test_any_signature_is_read_or_refused(tmp_path_factory, document):
    folder = tmp_path_factory.mktemp("model")
    (folder / "saved_model.pb").touch()
    (folder / "signature.json").write_text(json.dumps(document))
    try:
        signature = signature_of(folder)
        species_of(folder)
        spec_of_signature(signature)
    except ValueError as error:
        assert str(error)  # noqa: PT017


def test_json_that_is_deep(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    (tmp_path / "signature.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"signature\.json is damaged"):
        signature_of(tmp_path)


def test_the_name_of_a_detector_is_no_pattern():
    for name in ("../samples/hgcal", "*", "/etc", "[a-z]*", ""):
        with pytest.raises(ValueError, match="no sample of detector"):
            sample_of(name)
    assert sample_of("hgcal").endswith(".h5")
