"""The rows of the zoo, and what is stored about their pretrained models."""

import dataclasses
import json
import pathlib
from typing import Any

DETECTORS = {
    "hgcal": "HGCAL prototype, 12 x 15 x 7",
    "ecal": "LHCb-like calorimeter, 30 x 30",
    "rich": "two RICH detectors, 5 likelihoods",
    "calogan": "CaloGAN's three layers, 3 x 96, 12 x 12, 12 x 6",
}
"""What the detectors are called, by name."""


@dataclasses.dataclass(frozen=True)
class ZooRow:
    """An entry with one of its detectors.

    Attributes:
        name: The entry.
        method: What it is and where that is described, Markdown.
        detector: Name of the detector.
        folder: That of the pretrained model, where it is not named as the entry is.
    """

    name: str
    method: str
    detector: str
    folder: str = ""

    def stored(self, folder: pathlib.Path, file: str) -> dict[str, Any]:
        """Reads a JSON file of the pretrained model; empty if there is none.

        Args:
            folder: Holds the folders of pretrained models.
            file: "metrics.json", which `evaluate.py` wrote, or "speed.json", which
                `benchmarks.inference --json` wrote.
        """
        path = folder / (self.folder or self.name) / file
        return dict(json.loads(path.read_text())) if path.exists() else {}


ROWS = (
    ZooRow(
        "wgan_constrained",
        "WGAN with constrainer networks, [arXiv:1807.01954](https://arxiv.org/abs/1807.01954)",
        "hgcal",
    ),
    ZooRow(
        "wgan_regressor",
        "WGAN-GP, embedded regressor, [arXiv:1812.01319](https://arxiv.org/abs/1812.01319)",
        "ecal",
    ),
    ZooRow(
        "vae_gan",
        "VAE, and GAN from its decoder, J. Phys.: Conf. Ser. 1740 (2021) 012028",
        "ecal",
    ),
    ZooRow(
        "sagan",
        "self-attention, spectral norm, EPJ Web Conf. 251 (2021) 03043",
        "ecal",
    ),
    ZooRow(
        "aux_regressor",
        "auxiliary regressor, [arXiv:2207.06329](https://arxiv.org/abs/2207.06329)",
        "ecal",
    ),
    ZooRow(
        "calogan",
        "locally connected layers, attention from layer to layer, "
        "[arXiv:1712.10321](https://arxiv.org/abs/1712.10321)",
        "calogan",
    ),
    ZooRow(
        "cramer_rich",
        "Cramer GAN, signed weights, [arXiv:1905.11825](https://arxiv.org/abs/1905.11825)",
        "rich",
    ),
    ZooRow(
        "cascade",
        "energy divided down to the cells, trained by likelihood, "
        "[docs/cascade.md](docs/cascade.md)",
        "ecal",
        "cascade_ecal",
    ),
    ZooRow("cascade", "the same", "hgcal", "cascade_hgcal"),
)
"""All rows, in the order of the table."""
