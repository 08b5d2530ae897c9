"""The autoencoder and the GAN after it: the contract, and its own parts."""

import csv
import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors, transforms
from data.events import Sample
from metrics.showers import measure_showers
from models import vae_gan
from models.layers import hit_likelihood
from models.layers.spectral_norm import SpectralNormalization
from models.likelihood import vae
from models.networks.building_blocks import normal
from models.training import config, progress
from models.training.trainer import Training
from tests import contract, synthetic
from tests.contract import check_entry
from tests.models.gans.small_gan import same, values

SPEC = detectors.get("ecal")
EVENTS = 16
TINY = {
    "latent": 3,
    "start_channels": 4,
    "generator_filters": (2, 3),
    "critic_filters": (2, 3),
    "critic_dense": (4,),
    "encoder_dense": (4,),
    "vae_steps": 6,
    "batch_size": 8,
    # The contract wants the very first step of the generator to change it.
    "generator_learning_rates": (1e-3, 1e-3, 1e-3, 1e-3),
}
CONDITION = np.array([[1.0, 2.0, 40.0, 0.1, -0.2]], np.float32)


@pytest.fixture(autouse=True)
def _determinism():
    tf.config.experimental.enable_op_determinism()


@pytest.fixture
def _quick_monitor(monkeypatch):
    """Leaves out the metrics that take minutes in a training of seconds."""
    monkeypatch.setattr(measure_showers, "per_epoch", lambda comparison, seed: {})


def _model(**changes):
    """Builds and compiles a model; returns it with its settings and data."""
    case = contract.make_case("vae_gan", {**TINY, **changes}, "ecal")
    return case.build(), case


def _autoencoder(**changes):
    model, case = _model(**changes)
    [phase] = vae_gan.phases(model, case.settings)
    sample = Sample(case.sample.response[:EVENTS], case.sample.condition[:EVENTS])
    condition = tf.constant(sample.condition)
    encoded = model.transform.encode(tf.constant(sample.response), condition)
    return model, phase, encoded, condition


def test_the_contract():
    check_entry("vae_gan", TINY, detector="ecal")


def test_the_published_networks():
    settings = config.resolve(models.load("vae_gan"), "paper")
    model = vae_gan.build(settings, SPEC, transforms.LogOnePlus())
    # Latent variables, and whether and how large a hit is, cell by cell.
    assert model.noise_size == 16 + 2 * 30 * 30
    decoder = model.generator.get_layer("decoder")
    assert decoder.inputs[1].shape[1] == 16
    assert [output.shape[1] for output in model.encoder.outputs] == [16, 16]
    kinds = {
        name: [type(layer) for layer in network.layers]
        for name, network in (
            ("generator", decoder),
            ("critic", model.critic),
            ("encoder", model.encoder),
        )
    }
    layers = keras.layers
    assert kinds["generator"].count(layers.Conv2DTranspose) == 3
    assert layers.BatchNormalization in kinds["generator"]
    assert kinds["encoder"].count(layers.Conv2D) == 4
    # Convolutions and dense layers of the critic, and of nothing else.
    assert kinds["critic"].count(SpectralNormalization) == 4 + 3
    for name in ("generator", "encoder"):
        assert SpectralNormalization not in kinds[name]
    assert model.get_config()["objective"] == "hinge"


def test_the_presets_differ_in_their_stages():
    entry = models.load("vae_gan")
    both = config.resolve(entry, "vae_gan")
    alone = config.resolve(entry, "vae")
    assert alone == dataclasses.replace(both, steps=0)
    assert alone.vae_steps > 0 < both.steps
    assert config.resolve(entry, "cpu") == vae_gan.Config()


@pytest.mark.parametrize(
    ("mean", "log_variance", "expected"),
    [
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([3.0, 0.0], [0.0, 0.0], 4.5),
        ([0.0, 0.0], [0.0, math.log(4.0)], 1.5 - math.log(2.0)),
        ([1.0, -2.0], [math.log(0.25), 0.0], 2.5 - 0.375 + math.log(2.0)),
    ],
)
def test_the_divergence_of_known_distributions(mean, log_variance, expected):
    found = vae.divergence(tf.constant([mean]), tf.constant([log_variance]))
    assert found.shape == (1,)
    np.testing.assert_allclose(found, [expected], rtol=1e-6, atol=1e-6)


def test_the_divergence_is_the_mean_of_the_ratio_of_the_densities():
    mean, log_variance = 0.7, math.log(0.3)
    draws = np.random.default_rng(1).normal(mean, math.exp(log_variance / 2), 400_000)
    posterior = -0.5 * ((draws - mean) ** 2 / 0.3 + log_variance)
    ratio = posterior + 0.5 * draws**2
    found = vae.divergence(tf.constant([[mean]]), tf.constant([[log_variance]]))
    error = ratio.std() / math.sqrt(len(draws))
    assert float(found[0]) == pytest.approx(ratio.mean(), abs=5 * error)


def test_the_terms_are_those_of_their_definition():
    model, phase, encoded, condition = _autoencoder(beta=0.3)
    # Not the zeros of the beginning.
    random = np.random.default_rng(2)
    head = model.encoder.get_layer("log_variance")
    head.kernel.assign(random.normal(0.0, 0.1, head.kernel.shape))
    seed = tf.constant([5, 6])
    terms = phase.model.terms(encoded, condition, seed, training=False)

    mean, log_variance = map(np.asarray, model.encoder([encoded, condition]))
    latent = mean + np.exp(log_variance / 2) * normal(EVENTS, 3, seed)
    decoder = model.generator.get_layer("decoder")
    likelihood = hit_likelihood.negative_log_likelihood(
        encoded, decoder([condition, tf.constant(latent)])
    )
    kl = (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1) / 2
    assert set(terms) == {"loss", "reconstruction", "divergence"}
    np.testing.assert_allclose(terms["reconstruction"], likelihood, rtol=1e-5)
    np.testing.assert_allclose(terms["divergence"], kl, rtol=1e-3)
    np.testing.assert_allclose(terms["loss"], likelihood + 0.3 * kl, rtol=1e-5)


def test_the_simulator_draws_hits_instead_of_giving_the_mean_shower():
    """As many hits as there are chances of one, and others with other noise."""
    model, _, _, condition = _autoencoder()
    noise = normal(EVENTS, model.noise_size, (1, 2))
    decoder = model.generator.get_layer("decoder")
    score = np.asarray(decoder([condition, noise[:, :3]]))[..., 0]
    expected = 1.0 / (1.0 + np.exp(-score))
    hit = np.asarray(model.generator([condition, noise])) > 0.0
    error = np.sqrt(np.sum(expected * (1.0 - expected)))
    assert abs(hit.sum() - expected.sum()) < 4.0 * error
    other = tf.concat([noise[:, :3], normal(EVENTS, 1800, (5, 6))], axis=1)
    again = np.asarray(model.generator([condition, other])) > 0.0
    assert 0.3 < np.mean(hit != again) < 0.7


def test_the_posterior_is_drawn_by_seed_and_step_alone():
    _, phase, encoded, condition = _autoencoder(vae_learning_rates=[0.0, 0.0, 0.0])
    element = encoded, condition, tf.ones(EVENTS)

    def losses(first_step):
        found = []
        phase.model.updates.assign(first_step)
        for _ in range(2):
            for metric in phase.model.metrics:
                metric.reset_state()
            found.append(float(phase.model.train_step(element)["reconstruction"]))
        return found

    first, second = losses(0)
    assert first != second
    assert losses(1)[0] == second
    assert losses(0) == [first, second]


def test_the_encoder_starts_at_the_width_of_the_prior_and_knows_the_conditions():
    model, _, encoded, condition = _autoencoder()
    mean, log_variance = model.encoder([encoded, condition])
    np.testing.assert_array_equal(log_variance, np.zeros((EVENTS, 3)))
    moved, _ = model.encoder([encoded, tf.reverse(condition, [0])])
    assert np.abs(mean - moved).max() > 1e-3


def test_the_decoder_simulates_during_the_phase():
    model, phase, _, condition = _autoencoder(ema_decay=0.0)
    seed = np.array([1, 2], np.int32)
    response = np.asarray(phase.model.simulate(condition, seed))
    np.testing.assert_array_equal(
        phase.model.simulate(condition.numpy(), seed), response
    )
    np.testing.assert_array_equal(model.simulate(condition, seed), response)
    assert not np.array_equal(phase.model.simulate(condition, seed[::-1]), response)
    prefix = np.asarray(phase.model.simulate(condition[:5], seed))
    np.testing.assert_allclose(prefix, response[:5], rtol=1e-5, atol=1e-4)
    assert response.min() >= 0.0


def test_a_step_trains_encoder_and_decoder_but_not_the_critic():
    model, phase, encoded, condition = _autoencoder()
    networks = {"critic": model.critic, "simulator": model.simulator}
    networks |= {"encoder": model.encoder, "generator": model.generator}
    before = {name: values(network.variables) for name, network in networks.items()}
    for _ in range(2):
        phase.model.train_step((encoded, condition, tf.ones(EVENTS)))
    for name in ("critic", "simulator"):
        assert same(before[name], networks[name].variables)
    for name in ("encoder", "generator"):
        for old, variable in zip(before[name], networks[name].variables, strict=True):
            assert not np.array_equal(old, variable), variable.path


def test_the_gan_keeps_the_encoder_and_does_not_train_it():
    model, case = _model()
    before = values(model.encoder.variables)
    model.train_step(next(iter(case.data(model))))
    assert before
    assert same(before, model.encoder.variables)
    trainable = {id(variable) for variable in model.trainable_variables}
    assert trainable.isdisjoint(id(variable) for variable in model.encoder.variables)


@pytest.mark.parametrize("normalisation", ["none", "batch"])
def test_the_finished_decoder_is_what_simulates(normalisation):
    model, phase, encoded, condition = _autoencoder(
        ema_decay=0.9, generator_normalisation=normalisation
    )
    seed = np.array([1, 2], np.int32)
    for _ in range(2):
        phase.model.train_step((encoded, condition, tf.ones(EVENTS)))
    trained = np.asarray(phase.model.simulate(condition, seed))
    assert not np.array_equal(model.simulate(condition, seed), trained)
    phase.finish()
    np.testing.assert_array_equal(model.simulate(condition, seed), trained)
    assert same(values(model.generator.variables), model.simulator.variables)


class Killed(Exception):
    """Stands for the end of the process."""


def _train(case, folder):
    """Trains a new model in a folder, as `train.py` does; returns model and phase."""
    model = case.build()
    phases = vae_gan.phases(model, case.settings)
    training = Training(
        case.settings, case.sample, case.sample, SPEC, model.transform, folder,
        say=lambda line: None,
    )  # fmt: skip
    training.run(model, phases)
    return model, phases[0].model


@pytest.mark.usefixtures("_quick_monitor")
def test_a_killed_autoencoder_ends_bit_identical(tmp_path, monkeypatch):
    # Moments of a normalisation, too, have to be in the checkpoint.
    changes = {"generator_normalisation": "batch", "vae_steps": 4, "ema_decay": 0.9}
    _, case = _model(**changes, steps=0)
    end = progress.Progress.on_train_batch_end
    steps = iter(range(1, 100))

    def die(self, batch, logs=None):
        end(self, batch, logs)
        if next(steps) == 3:
            raise Killed

    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "on_train_batch_end", die)
        with pytest.raises(Killed):
            _train(case, pieces)
    resumed, expected = _train(case, pieces), _train(case, whole)
    for one, other in zip(expected, resumed, strict=True):
        assert same(values(one.state_variables()), other.state_variables())
    histories = [run / "phases/vae/history.csv" for run in (whole, pieces)]
    assert histories[0].read_bytes() == histories[1].read_bytes()
    assert len(histories[0].read_text().splitlines()) == 1 + 2


@pytest.mark.usefixtures("_quick_monitor")
def test_an_autoencoder_alone_is_a_whole_run(script, tmp_path, capsys):
    data = synthetic.write(tmp_path / "ecal.h5", SPEC, 80)
    workdir = tmp_path / "run"
    options = ["--model=vae_gan/vae", f"--data={data}", f"--workdir={workdir}"]
    settings = {**TINY, "generator_learning_rates": (1e-3, 1e-3), "vae_steps": 4}
    options += synthetic.assignments({**settings, "ema_decay": 0.9, "epoch_steps": 2})
    train = script("train")
    assert train(*options) == 0, capsys.readouterr().err
    files = {path.name for path in workdir.iterdir()}
    assert files == {
        "config.json", "model.keras", "phases", "saved_model", "saved_model_untrained",
    }  # fmt: skip
    phase = workdir / "phases/vae"
    text = (phase / "history.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 2
    assert {"loss", "reconstruction", "divergence", "val_wasserstein"} <= set(rows[0])
    assert np.isfinite([float(value) for row in rows for value in row.values()]).all()

    model = keras.models.load_model(workdir / "model.keras")
    inputs = {"condition": tf.constant(CONDITION), "seed": tf.constant([3, 4])}
    answers = {
        name: tf.saved_model.load(str(workdir / name)).signatures["simulate"](**inputs)
        for name in ("saved_model", "saved_model_untrained")
    }
    decoded = model.transform.decode(
        model.generator(
            [inputs["condition"], normal(1, model.noise_size, inputs["seed"])]
        ),
        CONDITION,
    )
    response = np.asarray(answers["saved_model"]["response"])
    np.testing.assert_allclose(response, decoded, rtol=1e-5, atol=1e-6 * response.max())
    before = answers["saved_model_untrained"]["response"]
    assert not np.allclose(response, before, rtol=1e-3)

    kept = {path: path.read_bytes() for path in phase.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert train(*options) == 0
    assert "the training of 2 epochs is finished" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_gan_from_scratch_has_no_phase():
    model, case = _model(vae_steps=0)
    assert vae_gan.phases(model, case.settings) == []


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"latent": 0}, "latent of at least 1, .* received 0, 1 and 6"),
        ({"beta": -1.0}, "beta and vae_steps of at least 0; received 3, -1 and 6"),
        ({"vae_steps": -1}, "received 3, 1 and -1"),
        ({"vae_steps": 0, "steps": 0}, "nothing to train"),
        ({"spectral_norm": "all"}, "must be one of none, critic, both, is 'all'"),
        ({"generator_normalisation": "all"}, "unknown normalisation 'all'"),
    ],
)
def test_impossible_settings_are_refused(changes, pattern):
    with pytest.raises(ValueError, match=pattern):
        _model(**changes)


def test_a_detector_without_images_is_refused():
    settings = vae_gan.Config(**TINY)
    with pytest.raises(ValueError, match="vae_gan needs responses"):
        vae_gan.build(settings, detectors.get("hgcal"), transforms.LogOnePlus())
