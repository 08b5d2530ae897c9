"""What TensorFlow Serving does with a SavedModel: a session, a signature, tensors."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

MODEL = Path(__file__).resolve().parents[1] / "pretrained/cramer_rich/saved_model"
# The body of a request to the server's REST interface, as in docs/production.md.
BODY = (
    '{"inputs": {"condition": [[20, 3, 100, 321], [50, 4, 200, 211]], "seed": [1, 2]}}'
)


@pytest.fixture(scope="module")
def served():
    """The session and the signatures of the graph with the tag of the server."""
    graph = tf.Graph()
    with graph.as_default():
        session = tf.compat.v1.Session()
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(MODEL))
    yield session, loaded.signature_def
    session.close()


def _ask(served, name, body):
    session, signatures = served
    signature = signatures[name]
    assert signature.method_name == "tensorflow/serving/predict"
    assert set(body["inputs"]) == set(signature.inputs)
    feed = {
        info.name: np.array(body["inputs"][key], tf.as_dtype(info.dtype).as_numpy_dtype)
        for key, info in signature.inputs.items()
    }
    wanted = {key: info.name for key, info in signature.outputs.items()}
    return session.run(wanted, feed)


@pytest.mark.parametrize("name", ["serving_default", "simulate"])
def test_a_request_is_answered_as_in_python(served, name):
    body = json.loads(BODY)
    answer = _ask(served, name, body)
    inputs = {key: tf.constant(value) for key, value in body["inputs"].items()}
    inputs["condition"] = tf.cast(inputs["condition"], tf.float32)
    python = tf.saved_model.load(str(MODEL)).signatures["simulate"](**inputs)
    assert set(answer) == {"response", "in_domain"}
    np.testing.assert_array_equal(answer["in_domain"], [True, True])
    np.testing.assert_allclose(answer["response"], python["response"], rtol=1e-5)


def test_a_bad_request_is_refused(served):
    body = json.loads(BODY)
    body["inputs"]["condition"][0][0] = float("nan")
    with pytest.raises(tf.errors.InvalidArgumentError, match="not finite"):
        _ask(served, "simulate", body)
