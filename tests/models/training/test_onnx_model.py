"""The export to ONNX: names, noise, domain, and what is refused."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from models.training.exports import onnx_conversion, onnx_model

CONDITION = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 5.0], [0.5, 2.0]], np.float32)
INSIDE = [True, True, False, True]
SIGNATURE = {"simulate_from_noise": {"inputs": {}, "outputs": {"response": []}}}


def _export(folder, scale=1.0, solve=False):
    """Saves a model of functions that ONNX does not have, times a scale.

    Its domain are the species 0, 1 and 2.
    """
    weight = tf.Variable(scale)

    def respond(condition, noise):
        parts = [
            tf.math.log1p(noise[:, 0] ** 2) * condition[:, 0],
            tf.sigmoid(noise[:, 1]),
            tf.math.erfc(noise[:, 0]),
            tf.math.expm1(noise[:, 0]),
        ]
        response = weight * tf.stack(parts, axis=1)
        if solve:
            matrix = tf.eye(4, batch_shape=[tf.shape(condition)[0]])
            response = tf.linalg.solve(matrix, response[..., None])[..., 0]
        return response

    def specs(*shapes, kind=tf.float32):
        return [tf.TensorSpec(shape, kind, name) for name, shape in shapes]

    rows = ("condition", [None, 2])

    @tf.function(input_signature=specs(rows) + specs(("seed", [2]), kind=tf.int32))
    def simulate(condition, seed):
        # What is drawn is no part of an ONNX model, which takes noise.
        noise = tf.random.stateless_normal([tf.shape(condition)[0], 2], seed)
        same = tf.equal(condition[:, 1:], [0.0, 1.0, 2.0])
        known = tf.gather(condition[:, 1], [0]) >= 0.0
        species = tf.cast(tf.argmax(same, axis=1), tf.float32)
        inside = tf.equal(species, condition[:, 1]) & (condition[:, 0] < 4.0) & known
        condition = tf.debugging.assert_all_finite(condition, "not finite")
        return {"response": respond(condition, noise), "in_domain": inside}

    @tf.function(input_signature=specs(rows, ("noise", [None, 2])))
    def simulate_from_noise(condition, noise):
        noise = tf.debugging.assert_all_finite(noise, "not finite")
        return {"response": respond(condition, noise)}

    module = tf.Module()
    module.weight = weight
    functions = {"simulate": simulate, "simulate_from_noise": simulate_from_noise}
    tf.saved_model.save(module, str(folder), signatures=functions)
    (folder / "signature.json").write_text(json.dumps({"signatures": SIGNATURE}))
    return folder


@pytest.fixture
def _packages():
    for name in ("tf2onnx", "onnx", "onnxruntime"):
        pytest.importorskip(name, reason="pip install -r requirements-onnx.txt")


@pytest.mark.usefixtures("_packages")
def test_inputs_have_names_and_any_number_of_events(tmp_path):
    folder = tmp_path / "new" / "onnx"
    saved_model = _export(tmp_path / "saved_model", scale=3.0)
    agreement = onnx_model.export_onnx(saved_model, folder, CONDITION)
    assert (agreement.events, agreement.differing) == (sum(INSIDE), 0)
    session = onnx_model.open_session(folder, threads=1)
    assert [one.name for one in session.get_inputs()] == ["condition", "noise"]
    assert [one.name for one in session.get_outputs()] == ["response", "in_domain"]
    for rows in (1, 3, 4):
        condition = CONDITION[:rows]
        noise = np.random.default_rng(rows).normal(size=(rows, 2)).astype(np.float32)
        # Far below 1 too: onnxruntime's own Sigmoid is 0 here.
        noise[0] = [5.0, -30.0]
        response, inside = session.run(None, {"condition": condition, "noise": noise})
        x = noise.astype(float)
        first = 3.0 * np.log1p(x[:, 0] ** 2) * condition[:, 0]
        np.testing.assert_allclose(response[:, 0], first, rtol=1e-5, atol=1e-6)
        exact = [math.erfc(value) for value in x[:, 0]]
        np.testing.assert_allclose(response[:, 2], 3.0 * np.array(exact), rtol=2e-6)
        np.testing.assert_allclose(response[:, 3], 3.0 * np.expm1(x[:, 0]), atol=2e-5)
        np.testing.assert_allclose(
            response[:, 1], 3.0 / (1.0 + np.exp(-x[:, 1])), rtol=1e-5
        )
        assert inside.tolist() == INSIDE[:rows]
    document = json.loads((folder / "signature.json").read_text())
    assert list(document["signatures"]) == ["simulate_from_noise"]
    outputs = document["signatures"]["simulate_from_noise"]["outputs"]
    assert outputs == {"response": [], "in_domain": ["bool", [None]]}
    assert document["onnx"]["compared"]["events"] == sum(INSIDE)


@pytest.mark.usefixtures("_packages")
def test_what_does_not_agree_is_not_written(tmp_path, monkeypatch):
    folder = tmp_path / "onnx"
    folder.mkdir()
    (folder / onnx_model.FILE).write_text("older")
    saved_model = _export(tmp_path / "saved_model")
    other = onnx_conversion.convert(_export(tmp_path / "other", scale=1.01))
    solving = _export(tmp_path / "solving", solve=True)
    refused = [
        (solving, CONDITION, "ONNX has no MatrixSolve; export the model again"),
        (saved_model, CONDITION[2:3], "none of 1 conditions to compare at is inside"),
    ]
    for source, condition, words in refused:
        with pytest.raises(ValueError, match=words):
            onnx_model.export_onnx(source, folder, condition)
    monkeypatch.setattr(onnx_conversion, "convert", lambda _: other)
    with pytest.raises(ValueError, match="3 of 3 responses are others in ONNX"):
        onnx_model.export_onnx(saved_model, folder, CONDITION)
    assert (folder / onnx_model.FILE).read_text() == "older"
    assert {one.name for one in tmp_path.iterdir()} == {
        "onnx", "other", "saved_model", "solving",
    }  # fmt: skip


@pytest.mark.usefixtures("_packages")
def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / onnx_model.FILE).write_bytes(b"\x00" * 100)
    with pytest.raises(ValueError, match=r"model\.onnx: onnxruntime does not run it"):
        onnx_model.open_session(tmp_path)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(
        onnx_model.importlib.util, "find_spec", lambda name: name != "onnx" or None
    )
    with pytest.raises(
        ValueError, match=r"needs onnx; pip install -r requirements-onn"
    ):
        onnx_model.check_packages()


def test_an_agreement_says_what_was_found():
    found = np.zeros((3, 2, 2), np.float32)
    found[:, 0, 0] = [10.0, 20.0, 30.0]
    expected = found.copy()
    expected[0, 1, 1], expected[2, 0, 0] = 1e-4, np.nan
    agreement = onnx_model._agreement(found, expected)
    assert (agreement.events, agreement.differing) == (3, 1)
    assert agreement.largest_difference == pytest.approx(1e-5)
    assert str(agreement) == (
        "3 events agree with TensorFlow to 1.0e-05 of their largest number, but 1, in "
        "which a draw ended otherwise"
    )
