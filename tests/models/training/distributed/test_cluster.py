"""What a worker is told about its cluster, and how it refuses what cannot be."""

import json
import sys
import types

import pytest
import tensorflow as tf

from models.training.distributed import cluster

ADDRESSES = ["a:1", "b:2"]


def _told(kind="worker", index=0, **groups):
    groups = groups or {"worker": ADDRESSES}
    return json.dumps({"cluster": groups, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    "text",
    [_told(), _told(index=1), _told("chief", 0, chief=["a:1"], worker=["b:2"])],
)
def test_a_worker_knows_its_place(text):
    cluster.check_task({"TF_CONFIG": text})


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", "TF_CONFIG is not set"),
        ("{worker", "is not JSON"),
        ("[1]", "does not say which worker"),
        ('{"cluster": {"worker": ["a:1"]}}', "does not say which worker"),
        (_told("evaluator"), "does not say which worker"),
        (_told(index=2), "index 2 is outside the list of 2 workers"),
        (_told(index=-1), "index -1 is outside"),
        (_told(index="0"), "index '0' is outside"),
        (_told(worker="a:1"), "list of host:port"),
        (_told(worker=[]), "outside the list of 0|list of host:port"),
        (_told(worker=["a:1", "b"]), "list of host:port"),
        (_told(worker=ADDRESSES, ps=["c:3"]), "has ps"),
    ],
)
def test_anything_else_is_refused(text, pattern):
    with pytest.raises(ValueError, match=pattern):
        cluster.check_task({"TF_CONFIG": text} if text else {})


def test_every_replica_has_an_equal_part_of_a_batch():
    three = types.SimpleNamespace(num_replicas_in_sync=3)
    cluster.check_batch(12, three)
    with pytest.raises(ValueError, match=r"batch_size=128 .* 3 replicas; .*=129"):
        cluster.check_batch(128, three)


def test_a_worker_that_stopped_is_one_sentence():
    lost = tf.errors.UnavailableError(
        None, None, "At node\nis aborted by: Socket closed\nand more"
    )
    with (
        pytest.raises(
            cluster.WorkerLostError, match=r"same command .*\(Socket closed\)"
        ),
        cluster.noticing_losses("multiworker"),
    ):
        raise lost


@pytest.mark.parametrize(
    ("code", "status", "said"), [("train.py: lost", 1, "train.py: lost\n"), (2, 2, "")]
)
def test_a_worker_that_fails_does_not_wait_for_others(
    code, status, said, monkeypatch, capsys
):
    class AtOnceError(Exception):
        pass

    def leave(code):
        raise AtOnceError(code)

    monkeypatch.setattr(cluster.os, "_exit", leave)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(SystemExit), cluster.leaving_at_once():
        sys.exit(code)
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(SystemExit), cluster.leaving_at_once():
        sys.exit(0)
    with pytest.raises(AtOnceError, match=str(status)), cluster.leaving_at_once():
        sys.exit(code)
    assert capsys.readouterr().err == said
