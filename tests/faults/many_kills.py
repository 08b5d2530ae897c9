"""Kills every command at many random moments and repeats it until it is done.

python -m tests.faults.many_kills [--kills=20] [--commands=training,export] [--seed=1]

Each command first runs to its end, undisturbed. Then it is started again and again in
another folder and killed (SIGKILL) after a random time, up to the time that the first
run took. After every kill no file may be half-written; a run that ends must have left
the same bits as the first one. `simulation` is Geant4 and needs `GEANT4_DATA_DIR`.

The processes that are killed are forked from one that has imported the script and run
nothing, so that the kills meet work and not the import of TensorFlow.
"""

import argparse
import contextlib
import dataclasses
import importlib
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time
import zipfile

import h5py
import numpy as np

from tests.faults.killed_process import Failed, finished, forked, say
from tests.faults.whole_files import check_whole, contents

EVENTS, SAVED_MODELS = 100, ("saved_model", "saved_model_untrained")
_TRAIN_SETTINGS = {"critic_steps": 1, "epoch_steps": 3}
_EPOCHS = 8


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of the repository, as often as it is started.

    Attributes:
        script: Its module.
        options: Its options, with {folder} where the folder of this try stands.
        result: Returns what must be the same in the end, from the folder.
        prepare: Fills the folder before the first start; may run TensorFlow.
        patch: Changes the forked process before the script runs.
    """

    script: str
    options: tuple
    result: object
    prepare: object = lambda folder: None
    patch: object = lambda: None


def start(command, folder, log):
    """Runs the script in a forked process."""
    script = importlib.import_module(command.script)

    def work():
        os.chdir(folder)
        command.patch()
        options = [option.format(folder=folder) for option in command.options]
        sys.argv = [f"{command.script}.py", *options]
        script.command_line.run(script.main)

    return forked(work, log)


def trained(folder):
    """Returns the last checkpoint, with all weights and optimizers, and the history."""
    run = folder / "run"
    last = run / "checkpoints" / f"epoch-{_EPOCHS:06d}.npz"
    return {path.name: path.read_bytes() for path in (last, run / "history.csv")}


def exported(folder):
    """Returns the weights of the SavedModels and of model.keras, and what they answer.

    Their graphs have names that count what was traced before.
    """
    found = {}
    for name in SAVED_MODELS:
        model = folder / "run" / name
        found[name, "signature"] = (model / "signature.json").read_bytes()
        variables = model / "variables" / "variables.data-00000-of-00001"
        found[name, "variables"] = variables.read_bytes()
        answer = folder / f"{name}.npy"
        process = forked(lambda m=model, a=answer: _answer(m, a), folder / "answer.log")
        finished(process, folder / "answer.log")
        found[name, "answer"] = answer.read_bytes()
        answer.unlink()
    with zipfile.ZipFile(folder / "run" / "model.keras") as archive:
        weights = archive.read("model.weights.h5")
    (folder / "weights.h5").write_bytes(weights)
    with h5py.File(folder / "weights.h5") as file:
        arrays = {}
        file.visititems(
            lambda name, one: (
                arrays.update({name: one[()].tobytes()})
                if isinstance(one, h5py.Dataset)
                else None
            )
        )
    (folder / "weights.h5").unlink()
    return found | arrays


def _answer(model, path):
    import tensorflow as tf

    simulate = tf.saved_model.load(str(model)).simulate
    condition = tf.constant(np.float32([[30, 0, 1], [70, 1, -1], [50, 2, 0]]))
    np.save(path, simulate(condition, tf.constant([1, 2]))["response"].numpy())


def evaluated(folder):
    """Returns every byte of the report."""
    return contents(folder / "run" / "report")


def generated(folder):
    """Returns every byte of the file, its manifest and anything that is left."""
    return contents(folder / "made")


def simulated(folder):
    """Returns all events, without the processor time that each took."""
    left = [path.name for path in folder.iterdir() if path.name != "log"]
    if left != ["showers.h5"]:
        raise Failed(f"left behind: {left}")
    with h5py.File(folder / "showers.h5") as file:
        return {
            name: file[name][()].tobytes() for name in sorted(file) if name != "cpu_s"
        }


def _data(folder):
    from data import detectors
    from tests import synthetic

    synthetic.write(folder / "data.h5", detectors.get("hgcal"), EVENTS)


def _stand_in(folder, events=400):
    from data import detectors
    from tests import synthetic
    from tests.metrics import stand_in

    hgcal = detectors.get("hgcal")
    domain = [
        {"name": one.name, "low": one.low, "high": one.high} for one in hgcal.domain
    ]
    (folder / "run").mkdir()
    (folder / "made").mkdir()
    stand_in.export(
        folder / "run" / "saved_model",
        hgcal,
        domain=domain,
        trained_energies_gev=[20.0, 90.0],
    )
    synthetic.write(folder / "reference.h5", hgcal, events)


def _small_parts():
    from data.production import shares

    shares.PART_BLOCKS = 1


def _train_options():
    from tests import synthetic

    settings = {**synthetic.TINY_WGAN, **_TRAIN_SETTINGS}
    return (
        "--model=wgan_constrained",
        "--data={folder}/data.h5",
        "--workdir={folder}/run",
        f"--epochs={_EPOCHS}",
        # str.format of these would take their braces for its own; they have none.
        *synthetic.assignments(settings),
    )


def commands():
    """Returns the commands by name."""
    train = _train_options()
    return {
        "training": Command("train", train, trained, _data),
        "export": Command("train", train, exported, _data),
        "evaluation": Command(
            "evaluate",
            (
                "--workdir={folder}/run", "--reference={folder}/reference.h5",
                "--num=60", "--clusters=10", "--quick",
            ),
            evaluated,
            _stand_in,
        ),
        "generation": Command(
            "generate",
            ("--workdir={folder}/run", "--output={folder}/made/a.h5", "--num=20000"),
            generated,
            _stand_in,
            _small_parts,
        ),
        "simulation": Command(
            "simulate",
            (
                "--detector=hgcal", "--num=300", "--energy_gev=20,25", "--jobs=2",
                "--output={folder}/showers.h5",
            ),
            simulated,
        ),
    }  # fmt: skip


class Campaign:
    """The tries of one command."""

    def __init__(self, name, folder, kills, draw):
        self._name, self._folder = name, folder
        self._kills, self._draw = kills, draw
        self._command = commands()[name]
        self._log = folder / "log"
        self._template = folder / "template"

    def run(self):
        """Runs, kills and compares; prints what came out in one line."""
        self._template.mkdir()
        process = forked(lambda: self._command.prepare(self._template), self._log)
        finished(process, self._log)
        first = self._fresh("first")
        begin = time.perf_counter()
        finished(start(self._command, first, self._log), self._log)
        whole_s = time.perf_counter() - begin
        if self._name == "export":
            # The training is over: what is killed from now on is the export alone.
            expected = self._command.result(first)
            self._strip(first)
            shutil.rmtree(self._template)
            first.rename(self._template)
            process = start(self._command, self._fresh("timed"), self._log)
            begin = time.perf_counter()
            finished(process, self._log)
            whole_s = time.perf_counter() - begin
        else:
            expected = self._command.result(first)
        ends, killed = self._tries(expected, whole_s)
        say(
            f"{self._name}: {killed} kills within {whole_s:.1f} s, {ends} runs ended: "
            "the same bits, nothing half-written"
        )

    def _tries(self, expected, whole_s):
        ends = killed = 0
        folder = self._fresh("killed")
        while True:
            delay_s = self._draw.uniform(0.0, whole_s) if killed < self._kills else None
            process = start(self._command, folder, self._log)
            if not finished(process, self._log, delay_s):
                killed += 1
                check_whole(folder)
                say(f"{self._name}: kill {killed} after {delay_s:.2f} s")
                continue
            ends += 1
            self._compare(expected, self._command.result(folder))
            if killed >= self._kills:
                return ends, killed
            folder = self._fresh("killed")

    def _compare(self, expected, found):
        if found != expected:
            names = {*expected, *found}
            others = [n for n in names if expected.get(n) != found.get(n)]
            raise Failed(f"{self._name}: other bits in {sorted(map(str, others))}")

    def _fresh(self, name):
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._template, folder)
        return folder

    def _strip(self, folder):
        for name in SAVED_MODELS:
            shutil.rmtree(folder / "run" / name)
        (folder / "run" / "model.keras").unlink()


def _campaign(name, kills, seed, where):
    """Runs a campaign in a process that has imported this script alone."""
    process = os.fork()
    if not process:
        status = 1
        try:
            with tempfile.TemporaryDirectory(dir=where) as folder:
                draw = random.Random(f"{name} {seed}")
                Campaign(name, pathlib.Path(folder).resolve(), kills, draw).run()
            status = 0
        except Failed as error:
            say(f"{name}: {error}")
        finally:
            with contextlib.suppress(OSError):
                sys.stderr.flush()
            os._exit(status)
    return os.waitpid(process, 0)[1] == 0


def main():
    """Runs the campaigns that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ["training", "export", "evaluation", "generation", "simulation"]
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--commands", default=",".join(names))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default=None, help="where temporary files go")
    given = parser.parse_args()
    good = [
        _campaign(name, given.kills, given.seed, given.folder)
        for name in given.commands.split(",")
    ]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
