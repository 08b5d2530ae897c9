"""Full simulation with Geant4 against a model that takes over at the calorimeter.

    python -m examples.geant4_in_the_loop.run --events=200 --output=page.md

Pairs of electrons fly through lead into the ECAL. Both simulations get the same pairs.
OUTPUT is a page with energy, position and mass, and the processor time of an event.
Needs requirements-geant4.txt and Geant4's data sets.
"""

import dataclasses
import pathlib
import time

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags
from numpy.typing import NDArray

from common.atomic_files import replacing
from examples.geant4_in_the_loop import electron_pairs
from examples.geant4_in_the_loop.comparison_page import page
from examples.geant4_in_the_loop.electron_pairs import Pairs
from examples.geant4_in_the_loop.takeover import Takeover
from models import pretrained

FLAGS = flags.FLAGS
flags.DEFINE_integer("events", 200, "Pairs of electrons.", lower_bound=2)
flags.DEFINE_string("output", None, "Page to write, Markdown.", required=True)
flags.DEFINE_string("model", "cascade_ecal", "A pretrained model of the ECAL.")
flags.DEFINE_enum(
    "spot",
    "corner",
    electron_pairs.SPOTS,
    "Where electrons hit: around corners of cells, or anywhere on the face.",
)
flags.DEFINE_integer("seed", 1, "Of all random numbers.", lower_bound=0)
flags.DEFINE_integer("batch", 100, "Events per call of the model.", lower_bound=1)


@dataclasses.dataclass(eq=False)
class Simulated:
    """What a simulation left in the cells, and what it cost.

    Attributes:
        cells: Energies [MeV], float32 [events, x, y].
        geant4_s: Processor time of Geant4 [s].
        model_s: Processor time of the model [s].
    """

    cells: NDArray[np.float32]
    geant4_s: float = 0.0
    model_s: float = 0.0


def compare(pairs: Pairs, model_name: str) -> str:
    """Simulates pairs twice and returns the page."""
    try:
        from examples.geant4_in_the_loop.beamline import Geant4
    except ImportError as error:
        raise ValueError(
            f"{error}; install requirements-geant4.txt and let GEANT4_DATA_DIR name "
            "the folder of Geant4's data sets"
        ) from error
    model = pretrained(model_name)
    geant4, takeover = Geant4(pairs, FLAGS.seed), Takeover(model)
    events, shape = len(pairs.kinetic_gev), model.spec.shape
    # The first call optimises the graph.
    model.simulate([[0.0, 0.0, 20.0, 0.0, 0.0]], FLAGS.seed)
    full, fast = (Simulated(np.zeros((events, *shape), np.float32)) for _ in range(2))
    for first in range(0, events, FLAGS.batch):
        number = min(FLAGS.batch, events - first)
        batch = slice(first, first + number)
        full.cells[batch], spent_s = geant4.run(first, number, None)
        full.geant4_s += spent_s
        fast.cells[batch], spent_s = geant4.run(first, number, takeover.take)
        fast.geant4_s += spent_s
        begun_s = time.process_time()
        takeover.simulate_into(fast.cells[batch], first, FLAGS.seed + first)
        fast.model_s += time.process_time() - begun_s
    replaced = takeover.kinetic_gev / pairs.kinetic_gev.sum()
    reconstructed = [
        electron_pairs.reconstruct(one.cells, model.spec, pairs) for one in (full, fast)
    ]
    times_ms = [
        1e3 * np.array([one.geant4_s, one.model_s]) / events for one in (full, fast)
    ]
    command = (
        f"python -m examples.geant4_in_the_loop.run --events={events} "
        f"--model={model_name} --spot={FLAGS.spot} \\\n"
        f"  --seed={FLAGS.seed} --batch={FLAGS.batch} --output={FLAGS.output}"
    )
    return page(command, reconstructed, times_ms, replaced)


def _run() -> None:
    output = pathlib.Path(FLAGS.output)
    if not output.parent.is_dir():
        raise ValueError(f"--output={output}: there is no folder {output.parent}")
    pairs = electron_pairs.draw(FLAGS.events, FLAGS.spot, FLAGS.seed)
    text = compare(pairs, FLAGS.model)
    with replacing(output) as partial:
        partial.write_text(text, encoding="utf-8")
    print(text)


main = command_line.main(_run)


if __name__ == "__main__":
    command_line.run(main)
