"""A step of the Cramer GAN in PyTorch, timed for `benchmarks.training`.

It needs nothing but torch; see `benchmarks.rivals.rival` for how it is spoken to.
"""

import json
import sys
import time
from typing import Any

_MASSLESS = 1e-12


def _dense(torch: Any, inputs: int, widths: list[int], outputs: int) -> Any:
    layers: list[Any] = []
    for width in widths:
        layers += [torch.nn.Linear(inputs, width), torch.nn.ReLU()]
        inputs = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(inputs, outputs))


def _length(x: Any) -> Any:
    return (x.square().sum(dim=1) + _MASSLESS).sqrt()


class Steps:
    """The networks, their optimizers and one batch.

    Args:
        torch: The module.
        settings: Sizes, see `benchmarks.training`.
    """

    def __init__(self, torch: Any, settings: dict[str, Any]) -> None:
        self.torch, self.settings = torch, settings
        size, features = settings["batch_size"], settings["condition_features"]
        self.generator = _dense(
            torch, features + settings["noise"], settings["generator_dense"],
            settings["outputs"],
        )  # fmt: skip
        self.critic = _dense(
            torch, settings["outputs"] + features, settings["critic_dense"],
            settings["critic_outputs"],
        )  # fmt: skip
        self.optimizers = [
            torch.optim.RMSprop(network.parameters(), settings["learning_rate"])
            for network in (self.generator, self.critic)
        ]
        self.real = torch.randn(size, settings["outputs"])
        self.condition = torch.randn(size, features)
        self.weight = torch.randn(size) + 1.0

    def _fakes(self) -> Any:
        size = 2 * self.settings["batch_size"]
        noise = self.torch.randn(size, self.settings["noise"])
        condition = self.torch.cat([self.condition] * 2)
        return self.generator(self.torch.cat([condition, noise], 1))

    def _features(self, events: Any) -> Any:
        condition = self.torch.cat([self.condition] * 3)
        return self.critic(self.torch.cat([events, condition], 1)).chunk(3)

    def critic_step(self) -> None:
        """Trains the critic once."""
        with self.torch.no_grad():
            fakes = self._fakes()
        real, fake, other = self._features(self.torch.cat([self.real, fakes]))
        potential = _length(real - other) - _length(real)
        potential = potential - _length(fake - other) + _length(fake)
        mixing = self.torch.rand(len(self.real), 1)
        first = fakes.chunk(2)[0]
        points = (self.real + mixing * (first - self.real)).requires_grad_()
        at = self.critic(self.torch.cat([points, self.condition], 1))
        score = (_length(at - other) - _length(at)).sum()
        (slope,) = self.torch.autograd.grad(score, points, create_graph=True)
        penalty = (_length(slope) - 1.0).relu().square().mean()
        loss = -(self.weight * potential).mean()
        loss = loss + self.settings["penalty_weight"] * penalty
        self.optimizers[1].zero_grad()
        loss.backward()
        self.optimizers[1].step()

    def generator_step(self) -> None:
        """Trains the generator once."""
        fakes = self._fakes()
        real, fake, other = self._features(self.torch.cat([self.real, fakes]))
        loss = _length(real - fake) + _length(real - other) - _length(fake - other)
        self.optimizers[0].zero_grad()
        (self.weight * loss).mean().backward()
        self.optimizers[0].step()

    def step(self) -> None:
        """Trains as one step of the zoo does."""
        for _ in range(self.settings["critic_steps"]):
            self.critic_step()
        self.generator_step()


def main(settings: dict[str, Any]) -> None:
    """Says what it is, then answers."""
    try:
        import torch
    except ImportError:
        print(json.dumps({"error": "torch is not installed"}), flush=True)
        return
    torch.set_num_threads(settings["threads"])
    steps = Steps(torch, settings)
    steps.step()
    print(json.dumps({"version": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line)):
            steps.step()
        print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
