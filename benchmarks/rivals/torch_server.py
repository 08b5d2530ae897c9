"""A process that times the PyTorch copy on demand, a sample at a time.

TensorFlow and PyTorch each bring their own threads and oneDNN; two processes keep them
apart, and only the one that is being timed computes.

    python -m benchmarks.rivals.torch_server FOLDER THREADS

FOLDER holds what `benchmarks.rivals.model_description.write` wrote, and `check.npz`
with a condition, a noise and the encoded response that TensorFlow made of them. The
first line of the answer tells how far the copy agrees; then every line of the input is
a request.
"""

import json
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.rivals.torch_generator import TorchGenerator

TOLERANCE = 1e-4


def compare(folder: pathlib.Path, module: torch.nn.Module) -> dict[str, float]:
    """Compares the copy with TensorFlow.

    Args:
        folder: Holds `check.npz`.
        module: The copy.

    Returns:
        The fraction of cells that differ by more than the tolerance, and the largest
        difference of all others.
    """
    with np.load(folder / "check.npz") as check:
        condition, noise = (torch.from_numpy(check[n]) for n in ("condition", "noise"))
        expected = check["encoded"]
    with torch.inference_mode():
        found = module(condition, noise).numpy()
    difference = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
    outside = difference > TOLERANCE
    return {
        "outside": float(outside.mean()),
        "largest_difference": float(difference[~outside].max(initial=0.0)),
    }


def _call(module: Callable[..., Any], request: dict[str, Any]) -> Callable[[], Any]:
    batch, conditions, noises = (request[n] for n in ("batch", "condition", "noise"))
    condition = torch.tensor(conditions).expand(batch, -1).contiguous()
    if request["draw"]:
        return lambda: module(condition, torch.randn(batch, noises))
    noise = torch.randn(batch, noises)
    return lambda: module(condition, noise)


def serve(folder: pathlib.Path, threads: int) -> None:
    """Answers requests until the input ends."""
    torch.set_num_threads(threads)
    description = json.loads((folder / "generator.json").read_text())
    with np.load(folder / "generator.npz") as weights:
        module = TorchGenerator(description, dict(weights)).eval()
    compiled = torch.compile(module, dynamic=False)
    answer: dict[str, Any] = {"version": torch.__version__, **compare(folder, module)}
    print(json.dumps(answer), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            call = _call(compiled if request["compiled"] else module, request)
            with torch.inference_mode():
                start = time.perf_counter()
                for _ in range(request["calls"]):
                    call()
                answer = {"seconds": time.perf_counter() - start}
        # The compiler raises whatever its many parts raise; the caller reports it.
        except Exception as error:
            answer = {"error": " ".join(str(error).split())[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
