"""The page that compares full and fast simulation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from examples.geant4_in_the_loop.electron_pairs import Reconstructed

_INTRODUCTION = """\
# Geant4 in the loop

Pairs of electrons, 5 to 40 GeV, from a vertex 12 m before the calorimeter fly through
0.3 radiation lengths of lead, 20 cm before its face. Full: all is simulated by Geant4.
Fast: electrons and positrons that reach the face inside the domain of the model are
stopped there and simulated by the model; photons, low energies and all else stay with
Geant4. Both simulations had the same pairs. Errors are statistical, one standard
deviation. [The example](../examples/geant4_in_the_loop/README.md) says more.

```bash
{command}
```

"""


def page(
    command: str,
    found: Sequence[Reconstructed],
    times_ms: Sequence[NDArray[np.float64]],
    replaced: float,
) -> str:
    """Writes the page, Markdown.

    Args:
        command: What made it.
        found: What was reconstructed in full and in fast simulation.
        times_ms: Of each the processor times of an event of Geant4 and the model [ms].
        replaced: Kinetic energy that the model took over, as a fraction of all.
    """
    rows: list[tuple[str, list[str]]] = [
        ("pairs of electrons", [str(len(one.mass_ratio)) for one in found]),
    ]
    for name, values in (
        ("energy / true", [one.energy_ratio for one in found]),
        ("x - true [mm]", [10.0 * one.offset_cm[..., 0] for one in found]),
        ("y - true [mm]", [10.0 * one.offset_cm[..., 1] for one in found]),
        ("mass / true", [one.mass_ratio for one in found]),
    ):
        rows.append((f"{name}, mean", [mean(one) for one in values]))
        rows.append((f"{name}, standard deviation", [spread(one) for one in values]))
    rows += [
        ("energy simulated by the model", ["0", f"{replaced:.1%}"]),
        ("Geant4, ms / event", [f"{one[0]:.0f}" for one in times_ms]),
        ("model, ms / event", ["0", f"{times_ms[1][1]:.1f}"]),
        ("all, ms / event", [f"{one.sum():.0f}" for one in times_ms]),
    ]
    lines = ["| | full | fast |", "|---|---|---|"]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in rows]
    ratio = times_ms[0].sum() / times_ms[1].sum()
    end = f"\nFast simulation takes 1 / {ratio:.1f} of the processor time of full.\n"
    return _INTRODUCTION.format(command=command) + "\n".join(lines) + "\n" + end


def mean(values: NDArray[Any]) -> str:
    """Returns the mean with its error."""
    error = values.std(ddof=1) / np.sqrt(values.size)
    return f"{values.mean():.4f} +- {error:.4f}"


def spread(values: NDArray[Any]) -> str:
    """Returns the standard deviation with the error of it, from the fourth moment."""
    squares = (values - values.mean()) ** 2
    width = np.sqrt(squares.mean())
    error = squares.std() / (2.0 * max(width, 1e-12) * np.sqrt(values.size))
    return f"{width:.4f} +- {error:.4f}"
