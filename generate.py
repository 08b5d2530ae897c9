"""Generates millions of responses: python generate.py --pretrained=NAME --output=F ...

Conditions come from a file or are drawn from the trained range. --shard=I/N makes a
part of the same events, and --merge joins all parts. The same command continues a run
that was killed.
"""

import hashlib
import pathlib
import sys
from typing import Any

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

import keras
import tensorflow as tf
from absl import flags

from data.production import shard_files
from data.production.drawn_conditions import DrawnConditions
from data.production.output_kinds import KINDS, kind_of
from data.production.produce import Product, is_finished, produce, remove_parts
from data.production.shares import BLOCK_EVENTS, Share, parse_shard
from data.production.stored_conditions import StoredConditions
from metrics.evaluation.pretrained_models import open_model, pretrained_path
from metrics.evaluation.saved_model import SavedSimulator, signature_of

FLAGS = flags.FLAGS
flags.DEFINE_string("pretrained", None, "Name of a model in pretrained/.")
flags.DEFINE_string("workdir", None, "Folder of a run; takes DIR/saved_model.")
flags.DEFINE_string("saved_model", None, "Folder of a SavedModel.")
flags.DEFINE_string("output", None, "File to write.", required=True)
flags.DEFINE_integer(
    "num", None, "Number of events; by default one per condition.", lower_bound=1
)
flags.DEFINE_list(
    "conditions",
    None,
    "Files of conditions; drawn from the trained range if not given.",
)
flags.DEFINE_list(
    "columns", [], "canonical=theirs, ...: conditions under names of their own."
)
flags.DEFINE_string("tree", None, "Tree of ROOT files of conditions.")
flags.DEFINE_integer(
    "seed", 0, "Of all random numbers.", lower_bound=0, upper_bound=2**31 - 1
)
flags.DEFINE_string("shard", None, "I/N: makes shard I of N, from 0/N to N-1/N.")
flags.DEFINE_bool("merge", False, "Verifies all shards of --output and joins them.")
flags.DEFINE_enum("format", None, list(KINDS), "By default as the name of --output.")
flags.DEFINE_integer(
    "compression", 0, "Level of zlib, 0 for none.", lower_bound=0, upper_bound=9
)
flags.DEFINE_integer(
    "threads", None, "Processor cores to use; all by default.", lower_bound=1
)

_OF_MERGE = {"merge", "output", "format", "compression"}


def _model() -> pathlib.Path:
    """Returns the folder of the SavedModel."""
    given = [FLAGS.pretrained, FLAGS.workdir, FLAGS.saved_model]
    if sum(value is not None for value in given) != 1:
        raise ValueError(
            "give one of --pretrained=NAME, --workdir=DIR and --saved_model=DIR"
        )
    if FLAGS.pretrained is not None:
        return pretrained_path(FLAGS.pretrained)
    return pathlib.Path(FLAGS.saved_model or pathlib.Path(FLAGS.workdir, "saved_model"))


def _checksum(folder: pathlib.Path) -> str:
    """Returns the SHA-256 of what makes up a SavedModel."""
    digest = hashlib.sha256()
    names = ["saved_model.pb", "signature.json"]
    names += sorted(
        f"variables/{path.name}" for path in (folder / "variables").iterdir()
    )
    for name in names:
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _columns() -> dict[str, str]:
    pairs = [assignment.partition("=") for assignment in FLAGS.columns]
    for name, _, theirs in pairs:
        if not (name and theirs):
            raise ValueError(
                f"--columns={','.join(FLAGS.columns)}: each entry is canonical=theirs, "
                "e.g. --columns=energy_gev=E"
            )
    return {name: theirs for name, _, theirs in pairs}


def _conditions(
    model: SavedSimulator, signature: dict[str, Any]
) -> tuple[StoredConditions | DrawnConditions, int, str]:
    """Returns the conditions, the number of events, and what tells them from others."""
    if FLAGS.conditions is None:
        for name in ("columns", "tree"):
            if FLAGS[name].present:
                raise ValueError(f"--{name} belongs to --conditions=FILE; leave it out")
        if FLAGS.num is None:
            raise ValueError("give --num=N events, or --conditions=FILE")
        domain = signature.get("domain", [])
        return DrawnConditions(model.spec, domain, FLAGS.seed), FLAGS.num, "drawn"
    stored = StoredConditions(
        FLAGS.conditions, model.spec, FLAGS.num, _columns(), FLAGS.tree
    )
    return stored, stored.num, stored.sha256


class _Progress:
    """The bar of the events that this call generates, with the time left."""

    def __init__(self) -> None:
        self._bar: keras.utils.Progbar | None = None

    def __call__(self, done: int, total: int) -> None:
        """Shows how far it is."""
        if self._bar is None:
            interval = 0.5 if sys.stdout.isatty() else 60.0
            self._bar = keras.utils.Progbar(total, unit_name="event", interval=interval)
        self._bar.update(done, finalize=done == total)


def _generate() -> None:
    if FLAGS.threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(FLAGS.threads)
        tf.config.threading.set_inter_op_parallelism_threads(FLAGS.threads)
    where, output = _model(), pathlib.Path(FLAGS.output)
    signature = signature_of(where)
    model = open_model(where)
    kind = kind_of(output, FLAGS.format, model.spec)
    shard = (0, 1) if FLAGS.shard is None else parse_shard(FLAGS.shard)
    conditions, num, description = _conditions(model, signature)
    share = Share(num, *shard)
    product = Product(
        path=shard_files.shard_path(output, share),
        kind=kind,
        compression=FLAGS.compression or None,
        spec=model.spec,
        production={
            "model": model.name,
            "model_version": str(signature.get("versions", {}).get("fastsim_zoo")),
            "model_sha256": _checksum(where),
            "detector": model.spec.name,
            "conditions": description,
            "num": num,
            "seed": FLAGS.seed,
            "block_events": BLOCK_EVENTS,
        },
        share=share,
    )
    what = f"events {share.start:,} to {share.stop - 1:,} of {num:,}"
    if conditions.outside_domain:
        print(
            f"{conditions.outside_domain:,} conditions are outside the trained range; "
            "their responses are extrapolations"
        )
    if is_finished(product):
        remove_parts(product)
        print(f"{product.path}: {what}, complete already")
        return
    produce(
        product,
        conditions,
        lambda condition, number: model.chunk(condition, FLAGS.seed, number),
        _Progress(),
    )
    print(f"{product.path}: {what}")


def _merge() -> None:
    for name in FLAGS:
        if FLAGS[name].present and name in _OWN - _OF_MERGE:
            raise ValueError(f"--{name} does not belong to --merge; leave it out")
    output = pathlib.Path(FLAGS.output)
    shards, num = shard_files.merge(output, FLAGS.format, FLAGS.compression or None)
    print(f"{output}: {num:,} events of {shards} shards, all verified")


def _run() -> None:
    if FLAGS.merge:
        _merge()
    else:
        _generate()


_OWN = {
    "pretrained", "workdir", "saved_model", "output", "num", "conditions", "columns",
    "tree", "seed", "shard", "merge", "format", "compression", "threads",
}  # fmt: skip

main = command_line.main(_run)


if __name__ == "__main__":
    command_line.run(main)
