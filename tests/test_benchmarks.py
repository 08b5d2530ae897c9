"""The benchmarks measure what they say: counts, cuts, copies and messages."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from benchmarks import geant4, inference, learned, zoo_table
from benchmarks.rivals import model_description
from benchmarks.shared import flops, matrix_rates, sections, setup, timing, toy_showers
from data import detectors
from data.files import readers
from data.samples.bundled import sample_of, sampled
from metrics.observables import calorimeter
from metrics.observables.registry import track_point
from models.layers import filling, geometry, locally_connected

ROOT = Path(__file__).parents[1]
HAS_TORCH = importlib.util.find_spec("torch") is not None
BATCH, ROWS, COLUMNS = 3, 4, 5
NOISE = 6 + ROWS * COLUMNS * 2


def count(layer, *shape):
    return flops.of_call(lambda x: layer(x), (BATCH, *shape))


def test_a_dense_layer_counts_two_per_weight():
    assert count(keras.layers.Dense(7), 11) == 2 * BATCH * 11 * 7


@pytest.mark.parametrize(
    ("padding", "stride", "places"),
    [("valid", 1, 2 * 4), ("same", 1, 4 * 5), ("same", 2, 2 * 3)],
)
def test_a_convolution_counts_its_patches(padding, stride, places):
    layer = keras.layers.Conv2D(6, (3, 2), strides=stride, padding=padding)
    assert count(layer, ROWS, COLUMNS, 3) == 2 * BATCH * places * (3 * 2 * 3) * 6


def test_a_transposed_convolution_counts_its_input():
    layer = keras.layers.Conv2DTranspose(6, 3, strides=2, padding="same")
    expected = 2 * BATCH * (ROWS * COLUMNS) * (3 * 3 * 2) * 6
    assert count(layer, ROWS, COLUMNS, 2) == expected


def test_a_locally_connected_layer_counts_its_patches():
    layer = locally_connected.LocallyConnected2D(6, (3, 3), padding="same")
    expected = 2 * BATCH * (ROWS * COLUMNS) * (3 * 3 * 2) * 6
    assert count(layer, ROWS, COLUMNS, 2) == expected


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (keras.layers.Dense(7), (11,)),
        (keras.layers.Conv2D(6, 3, strides=2, padding="same"), (ROWS, COLUMNS, 2)),
        (keras.layers.Conv2DTranspose(6, 3, strides=2), (ROWS, COLUMNS, 2)),
        (keras.layers.Conv3D(6, 2), (ROWS, COLUMNS, 3, 2)),
    ],
)
def test_both_gradients_count_as_much_as_the_layer(layer, shape):
    layer.build((BATCH, *shape))

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, [x, *layer.trainable_variables])

    assert flops.of_call(gradients, (BATCH, *shape)) == 3 * count(layer, *shape)


def test_a_batch_left_open_counts_as_one_and_functions_are_entered(tmp_path):
    layer = keras.layers.Dense(7)
    layer.build((None, 11))
    archive = keras.export.ExportArchive()
    archive.track(layer)
    archive.add_endpoint("serve", layer, [tf.TensorSpec([None, 11])])
    archive.write_out(str(tmp_path / "saved"), verbose=False)
    signature = tf.saved_model.load(str(tmp_path / "saved")).signatures["serve"]
    assert flops.of(signature) == 2 * 11 * 7
    assert flops.of(signature, batch=5) == 5 * 2 * 11 * 7


def test_the_reference_product_is_what_is_counted():
    size = 8
    expected = flops.of_call(tf.matmul, (size, size), (size, size))
    assert matrix_rates.flops(size) == expected


def test_actions_are_timed_in_turn():
    order = []

    def action(name, seconds):
        def timed(calls):
            order.append(name)
            return seconds * calls

        return timed

    actions = {"a": action("a", 0.1), "b": action("b", 0.3)}
    found = timing.interleaved(actions, repeats=3, calls=2)
    assert order[-6:] == ["a", "b"] * 3
    assert found["a"].median_s == pytest.approx(0.1)
    assert found["b"].median_s == pytest.approx(0.3)
    assert found["b"].spread == pytest.approx(0.0)


def test_a_summary_holds_the_quartiles():
    found = timing.summary([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.low_s, found.median_s, found.high_s) == (2.0, 3.0, 4.0)
    assert found.spread == pytest.approx(1 / 3)


@pytest.fixture
def generator():
    """A tiny generator with every layer that the PyTorch copy knows."""
    keras.utils.set_random_seed(1)
    positions = np.stack(np.mgrid[0:ROWS, 0:COLUMNS], axis=-1).astype(np.float32)
    accepted = np.ones((ROWS, COLUMNS, 2), bool)
    accepted[0, 0] = False
    condition, noise = keras.Input((3,)), keras.Input((NOISE,))
    scaled = geometry.ScaleConditions([50.0, 0.0, 0.0], [40.0, 2.0, 2.0])(condition)
    x = keras.layers.Concatenate()([scaled, noise[:, :6]])
    branch = keras.layers.Dense(2 * 3 * 4, activation="relu")(x)
    branch = keras.layers.Reshape((2, 3, 4))(branch)
    branch = keras.layers.Conv2DTranspose(5, 3, strides=2, padding="same")(branch)
    branch = keras.layers.BatchNormalization()(branch)
    branch = keras.layers.LeakyReLU(negative_slope=0.2)(branch)
    branch = keras.layers.Conv2D(3, (1, 2))(branch)
    maps = geometry.ImpactMaps(positions, [1, 2], [0.5, 1.0])(condition)
    drawn = keras.layers.Reshape((ROWS, COLUMNS, 2))(noise[:, 6:])
    dense = locally_connected.DenseBranches(2, 3, (ROWS, COLUMNS), 2)(x)
    y = keras.layers.Concatenate()([branch, dense, maps, drawn])
    y = geometry.CellEmbedding(2)(y)
    y = keras.layers.Conv2D(4, (3, 2), padding="same")(y)
    y = keras.layers.LeakyReLU(negative_slope=0.2)(y)
    y = locally_connected.LocallyConnected2D(4, (3, 3), padding="same")(y)
    y = keras.layers.ReLU()(filling.HitGate()(y, drawn[..., :2]))
    y = geometry.CellMask(accepted)(y)
    model = keras.Model([condition, noise], y)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([gamma + 0.5, beta + 0.1, mean - 0.2, variance + 0.3])
    return model


def inputs(rows=BATCH):
    draw = np.random.default_rng(1)
    condition = draw.uniform([20, -1, -1], [90, 1, 1], (rows, 3)).astype(np.float32)
    noise = draw.normal(size=(rows, NOISE)).astype(np.float32)
    return [condition, noise]


def test_the_sections_make_the_generator(generator):
    given = [tf.constant(part) for part in inputs()]
    pieces = sections.cut(generator)
    assert len(pieces) == 4
    value = None
    for number, (_, piece) in enumerate(pieces):
        if number == 0:
            value = piece(given)
        elif len(piece.inputs) > 1:
            value = piece([value, *given])
        else:
            value = piece(value)
    assert np.ptp(value) > 0.0
    np.testing.assert_allclose(value, generator(given), rtol=1e-6, atol=1e-6)


def test_a_description_follows_the_calls(generator):
    described = model_description.describe(generator)
    known = set()
    for layer in described["layers"]:
        assert known.issuperset(layer["inputs"])
        known.add(layer["name"])
    assert known.issuperset([*described["inputs"], described["output"]])


@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed")
def test_the_pytorch_copy_is_the_generator(generator, tmp_path):
    import torch

    from benchmarks.rivals.torch_generator import TorchGenerator

    model_description.write(generator, tmp_path)
    with np.load(tmp_path / model_description.WEIGHTS) as weights:
        module = TorchGenerator(model_description.describe(generator), dict(weights))
    condition, noise = inputs()
    with torch.inference_mode():
        found = module(torch.from_numpy(condition), torch.from_numpy(noise)).numpy()
    expected = np.asarray(generator([condition, noise], training=False))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("benchmark", "arguments", "message"),
    [
        ("inference", ["--saved_model=nowhere"], "nowhere"),
        ("inference", ["--model=x", "--batches=0"], "--batches"),
        ("inference", ["--threads=3", "--workers=2"], "--workers=2"),
        ("training", ["--model=wgan_constrained", "--data=nowhere.h5"], "nowhere.h5"),
        ("gemm", ["extra"], "'extra'"),
        ("gemm", ["--threads=0"], "--threads=0"),
        ("learned", ["--workdir=nowhere"], "nowhere/model.keras is missing"),
        ("geant4", ["--seed=2147483648"], "seed must be"),
    ],
)
def test_a_mistake_gives_one_line_and_status_2(benchmark, arguments, message):
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(f"{benchmark}.py: ")
    assert message in done.stderr


def test_the_toy_showers_lie_on_their_tracks():
    spec = detectors.get("ecal")
    random = np.random.default_rng(1)
    condition = toy_showers.conditions(300, random)
    response = toy_showers.showers(spec, condition, random)
    assert response.shape == (300, *spec.shape)
    assert response.min() == 0.0
    centre = calorimeter.centre_of_gravity(response, spec.positions_cm)
    distance = np.linalg.norm(centre - track_point(spec, condition), axis=1)
    assert np.median(distance) < 1.0


@pytest.mark.parametrize("name", detectors.names())
def test_the_condition_that_is_timed_lies_inside_the_domain(name):
    spec = detectors.get(name)
    document = {
        "conditions": [{"name": one} for one in spec.condition_names],
        "domain": [
            {"name": one.name, "low": one.low, "high": one.high} for one in spec.domain
        ],
    }
    condition = np.array([inference.typical_condition(document)], np.float32)
    assert np.all(spec.in_domain(condition))


@pytest.mark.parametrize(
    "entry", [one for one in models.names() if models.load(one).DETECTOR in sampled()]
)
def test_an_entry_is_built_for_the_sample_of_its_detector(entry, monkeypatch):
    opened = []

    def refuse(paths):
        opened.extend(paths)
        raise ValueError("far enough")

    monkeypatch.setattr(readers, "detect", refuse)
    with pytest.raises(ValueError, match="far enough"):
        setup.subject(entry)
    with pytest.raises(ValueError, match="far enough"):
        setup.subject(entry, "mine.h5")
    detector = models.load(entry).DETECTOR
    assert opened == [sample_of(detector), "mine.h5"]
    assert Path(opened[0]).name.startswith(f"{detector}_")


def test_the_time_of_geant4_is_averaged_by_energy():
    energy_gev = np.array([1.0, 2.0, 20.0, 40.0])
    found = geant4.by_energy(energy_gev, 0.005 * energy_gev)
    assert list(found) == ["0 to 3 GeV", "10 to 30 GeV", "above 30 GeV", "all"]
    assert [one["events"] for one in found.values()] == [2, 1, 1, 4]
    assert [one["ms_per_gev"] for one in found.values()] == pytest.approx([5.0] * 4)
    assert found["all"]["ms_per_event"] == pytest.approx(5.0 * 63.0 / 4.0)
    assert found["all"]["ms_per_gev_error"] == pytest.approx(0.0)


def test_the_error_of_the_time_per_gev():
    # Of equal energies it is the standard error of the mean time, per GeV.
    cpu_s = np.array([0.1, 0.2, 0.2, 0.3])
    found = geant4.summary(np.full(4, 10.0), cpu_s)
    assert found["ms_per_gev"] == pytest.approx(20.0)
    expected = 1e3 * cpu_s.std(ddof=1) / np.sqrt(4) / 10.0
    assert found["ms_per_gev_error"] == pytest.approx(expected)


def test_singular_values_in_units_of_the_first():
    orthogonal, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))
    kernel = orthogonal[:, :3] @ np.diag([2.0, 1.0, 0.5])
    assert learned.others(kernel.reshape(1, 2, 3, 3)) == pytest.approx(
        (0.5, np.sqrt((0.5**2 + 0.25**2) / 2))
    )
    assert learned.others(np.ones((5, 1))) == (0.0, 0.0)


def test_what_a_model_with_attention_and_spectral_norm_has_learned():
    small = ["generator_filters=[4]", "critic_filters=[4,4]", "start_channels=4"]
    settings = [*small, "attention=[16]", "critic_dense=[3]", "noise=5"]
    model = setup.subject("aux_regressor/paper", assignments=settings).model
    found = learned.gammas(model)
    assert [one["network"] for one in found] == ["generator", "critic"]
    assert all(one["rows"] == 16 and one["gamma"] == 0.0 for one in found)
    normalised = learned.singular_values(model)
    kernels = [one["kernel"] for one in normalised]
    assert (10, 16 * 16 * 4) in kernels
    assert (3, 3, 4, 4) in kernels
    # Those of a single column have nothing to compare.
    assert min(kernel[-1] for kernel in kernels) > 1
    assert all(0.0 < one["rest"] <= one["second"] <= 1.0 for one in normalised)
    assert not learned.gammas(setup.subject("aux_regressor/cnn").model)


def test_the_table_of_the_readme_is_what_its_command_writes():
    readme = (ROOT / "README.md").read_text()
    assert zoo_table.replaced(readme, zoo_table.table(ROOT / "pretrained")) == readme
    for name in models.names():
        assert f"models/{name}.py" in zoo_table.table(ROOT / "pretrained")


def test_the_table_needs_its_marks():
    with pytest.raises(ValueError, match=r"README\.md has no <!-- zoo table -->"):
        zoo_table.replaced("# a readme", "| table |")
