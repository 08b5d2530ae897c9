"""The five charged particles that live long enough to be identified."""

NAMES = ("electron", "muon", "pion", "kaon", "proton")
"""Their names, in the order of their masses."""

PDG_CODES = (11, 13, 211, 321, 2212)
"""Absolute codes of the Particle Data Group."""

MASSES_GEV = (0.00051099895, 0.1056583755, 0.13957039, 0.493677, 0.93827208816)
"""Masses [GeV]. Source: Particle Data Group, Review of Particle Physics 2024."""


def pdg_code(name: str) -> int:
    """Returns the absolute PDG code of a particle.

    Args:
        name: One of `NAMES`.

    Raises:
        ValueError: If the zoo does not know it.
    """
    if name not in NAMES:
        raise ValueError(f"unknown species {name!r}; known: {', '.join(NAMES)}")
    return PDG_CODES[NAMES.index(name)]
