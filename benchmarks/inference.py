"""Measures how fast a SavedModel simulates, and what holds it back.

    python -m benchmarks.inference --model=wgan_constrained
    python -m benchmarks.inference --saved_model=runs/wgan_constrained/saved_model

Per batch size: milliseconds a shower of the SavedModel's signatures, beside a PyTorch
copy of the generator (`--torch_python=PATH` names an interpreter that has torch; this
one by default), beside onnxruntime (`--onnx=DIR`, or the folder `onnx` beside the
SavedModel, see `export_onnx.py`) and beside the time that the generator's matrix
products would take at the best rate of this machine. All are timed in turn on the same
threads. Below stand Geant4's processor time for showers of the same detector and the
published time.

Most operations between convolutions are too small to be shared by threads. Frameworks
that process several events at once give every call a thread of its own; so does

    python -m benchmarks.inference --saved_model=... --threads=2 --workers=2

in which two calls of each batch size run beside each other all the time. Milliseconds
are then those of the machine for a shower, not those that one call waits.
"""

import concurrent.futures
import json
import pathlib
import platform
import tempfile
import time
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks.rivals.rival import UnavailableError
from benchmarks.rivals.torch_copy import TorchCopy
from benchmarks.shared import flops, matrix_rates, reference_time, sections, timing
from models.training.exports import onnx_model
from models.training.exports.simulator_export import export_simulator
from models.training.seeded_model import SimulatingModel

_FROM_NOISE = "SavedModel simulate_from_noise"
_TORCH, _TORCH_FROM_NOISE = "PyTorch, noise drawn", "PyTorch, noise given"
_COMPILED = "PyTorch compiled, noise drawn"
_ONNX = "onnxruntime, noise given"
_GEMM = "matrix multiplication"

# Of conditions whose range no domain names, for it bounds energy and angles: 10 GeV
# along z, and a pion. All others are 0.
_WITHOUT_RANGE = {"momentum_z_gev": 10.0, "species_pdg": 211.0}


def typical_condition(document: dict[str, Any]) -> list[float]:
    """Chooses a condition inside the domain of a SavedModel.

    Args:
        document: Its signature.json.

    Returns:
        The middle of every condition's range, or a value of our own.
    """
    limits = {limit["name"]: limit for limit in document["domain"]}
    return [
        0.5 * (limits[name]["low"] + limits[name]["high"])
        if name in limits
        else _WITHOUT_RANGE.get(name, 0.0)
        for name in (condition["name"] for condition in document["conditions"])
    ]


def _signature(folder: pathlib.Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / "signature.json").read_text())
        document["condition"] = typical_condition(document)
    except FileNotFoundError:
        raise ValueError(
            f"{folder} is not an exported model: it has no signature.json; train.py "
            "writes one"
        ) from None
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"{folder}/signature.json is damaged; export again") from None
    return dict(document)


def _beside(folder: pathlib.Path) -> SimulatingModel | None:
    """Loads the Keras model that `train.py` writes beside a SavedModel."""
    path = folder.parent / "model.keras"
    if not path.exists():
        return None
    try:
        return setup.keras_model(path)
    except ValueError as error:
        print(f"{error}: left out")
        return None


def _open(temporary: str) -> tuple[pathlib.Path, SimulatingModel | None]:
    """Returns the SavedModel to measure, and its Keras model if there is one."""
    given = [flags.FLAGS.model, flags.FLAGS.saved_model]
    if sum(value is not None for value in given) != 1:
        raise ValueError("give one of --model=ENTRY[/PRESET] and --saved_model=DIR")
    if flags.FLAGS.saved_model is not None:
        folder = pathlib.Path(flags.FLAGS.saved_model)
        return folder, _beside(folder)
    subject = setup.subject(flags.FLAGS.model)
    folder = pathlib.Path(temporary) / "saved_model"
    description = {"model": flags.FLAGS.model}
    export_simulator(
        subject.model, subject.spec, subject.settings.mask, folder, description
    )
    return folder, subject.model


def _by_all_workers(action: timing.Action) -> timing.Action:
    """Makes an action that all workers do at once, timed until the last is done."""
    workers = flags.FLAGS.workers
    if workers == 1:
        return action
    pool = concurrent.futures.ThreadPoolExecutor(workers)

    def by_all(calls: int) -> float:
        start = time.perf_counter()
        list(pool.map(action, [calls] * workers))
        return time.perf_counter() - start

    return by_all


def _batch_actions(
    loaded: Any, condition: list[float], batch: int
) -> dict[str, timing.Action]:
    simulate = loaded.signatures["simulate"]
    from_noise = loaded.signatures["simulate_from_noise"]
    size = from_noise.structured_input_signature[1]["noise"].shape[-1]
    conditions = tf.tile(tf.constant([condition], tf.float32), [batch, 1])
    seed = tf.constant([1, 2])
    noise = tf.random.stateless_normal([batch, size], seed, alg="philox")
    if not np.all(simulate(condition=conditions, seed=seed)["in_domain"]):
        raise ValueError(
            f"the condition {condition} to be timed must lie inside the model's "
            "domain; choose one in typical_condition of benchmarks/inference.py"
        )
    return {
        setup.SIMULATE: timing.stopwatch(
            lambda: simulate(condition=conditions, seed=seed)
        ),
        _FROM_NOISE: timing.stopwatch(
            lambda: from_noise(condition=conditions, noise=noise)
        ),
    }


def _onnx_session(folder: pathlib.Path) -> Any | None:
    """Opens the model of `export_onnx.py`, or says why there is none."""
    given = flags.FLAGS.onnx
    onnx = folder.parent / "onnx" if given is None else pathlib.Path(given)
    if given is None and not onnx.exists():
        return None
    try:
        onnx_model.check_packages()
    except ValueError as error:
        print(f"no onnxruntime: {error}")
        return None
    return onnx_model.open_session(onnx, flags.FLAGS.threads // flags.FLAGS.workers)


def _onnx_action(session: Any, condition: list[float], batch: int) -> timing.Action:
    size = session.get_inputs()[1].shape[1]
    noise = np.random.default_rng(1).standard_normal((batch, size), np.float32)
    conditions = np.tile(np.array(condition, np.float32), (batch, 1))
    inputs = {"condition": conditions, "noise": noise}
    return timing.stopwatch(lambda: session.run(None, inputs))


def _torch_actions(copy: TorchCopy, batch: int) -> dict[str, timing.Action]:
    actions = {
        _TORCH: copy.action(batch, draw=True, compiled=False),
        _TORCH_FROM_NOISE: copy.action(batch, draw=False, compiled=False),
    }
    if flags.FLAGS.torch_compile:
        compiled = copy.action(batch, draw=True, compiled=True)
        try:
            compiled(1)
            actions[_COMPILED] = compiled
        except UnavailableError as error:
            print(f"no compiled PyTorch at batch {batch}: {error}")
    return actions


def _batch_sizes() -> list[int]:
    texts = flags.FLAGS.batches
    if not all(text.isdecimal() and int(text) for text in texts):
        raise ValueError(f"--batches must be positive, received {','.join(texts)}")
    return [int(text) for text in texts]


def _measure(
    folder: pathlib.Path, signature: dict[str, Any], copy: TorchCopy | None
) -> dict[str, Any]:
    """Times everything, batch by batch."""
    loaded = tf.saved_model.load(str(folder))
    session = _onnx_session(folder)
    operations = flops.of(loaded.signatures["simulate_from_noise"])
    size = matrix_rates.best_size(max(3, flags.FLAGS.repeats // 4))
    workers = flags.FLAGS.workers
    batches: dict[str, Any] = {}
    for batch in _batch_sizes():
        actions = _batch_actions(loaded, signature["condition"], batch)
        if copy is not None:
            actions |= _torch_actions(copy, batch)
        if session is not None:
            actions[_ONNX] = _onnx_action(session, signature["condition"], batch)
        actions[_GEMM] = matrix_rates.multiplication(size)
        actions = {name: _by_all_workers(one) for name, one in actions.items()}
        found = timing.interleaved(actions, flags.FLAGS.repeats)
        rate = workers * matrix_rates.flops(size) / found.pop(_GEMM).median_s
        showers = workers * batch
        batches[str(batch)] = {
            "ms_per_shower": {
                name: {
                    "median": 1e3 * value.median_s / showers,
                    "low": 1e3 * value.low_s / showers,
                    "high": 1e3 * value.high_s / showers,
                    "spread": value.spread,
                }
                for name, value in found.items()
            },
            "gflop_per_s_of_gemm": rate / 1e9,
            "bound_ms_per_shower": 1e3 * operations / rate,
        }
    return {"flop_per_shower": operations, "gemm_size": size, "batches": batches}


def _print_batches(result: dict[str, Any]) -> None:
    batches = result["batches"]
    names = list(next(iter(batches.values()))["ms_per_shower"])
    rows = []
    for name in names:
        cells = []
        for found in batches.values():
            value = found["ms_per_shower"].get(name)
            cells.append(
                f"{value['median']:.4f} +-{value['spread']:3.0%}"
                if value
                else "-      "
            )
        rows.append([name, *cells])
    # As wide as the spreads above, so that the numbers stand in line.
    blank = " " * 6
    bounds = [found["bound_ms_per_shower"] for found in batches.values()]
    rows.append(["matrix-multiply bound", *(f"{b:.4f}{blank}" for b in bounds)])
    medians = [
        {name: value["median"] for name, value in found["ms_per_shower"].items()}
        for found in batches.values()
    ]
    fractions = [b / m[setup.SIMULATE] for b, m in zip(bounds, medians, strict=True)]
    rows.append(
        ["bound / simulate", *(f"{fraction:.0%}{blank}" for fraction in fractions)]
    )
    for name in names[2:]:
        given = name in (_TORCH_FROM_NOISE, _ONNX)
        ours = _FROM_NOISE if given else setup.SIMULATE
        ratios = [f"{m[name] / m[ours]:.2f}" if name in m else "-" for m in medians]
        rows.append([f"{name} / SavedModel", *(f"{r}{blank}" for r in ratios)])
    print(timing.table(["ms a shower", *(f"batch {b}" for b in batches)], rows))


def _measure_sections(
    model: SimulatingModel, signature: dict[str, Any], size: int
) -> list[dict[str, Any]]:
    batch = flags.FLAGS.section_batch
    condition = np.tile(np.array(signature["condition"], np.float32), (batch, 1))
    parts = sections.of_simulation(model, condition, signature["cells"])
    actions = {part.name: part.action for part in parts}
    actions[_GEMM] = matrix_rates.multiplication(size)
    found = timing.interleaved(actions, flags.FLAGS.repeats)
    rate = matrix_rates.flops(size) / found[_GEMM].median_s
    return [
        {
            "section": part.name,
            "ms_per_shower": 1e3 * found[part.name].median_s / batch,
            "mflop_per_shower": part.flops / batch / 1e6,
            "bound_ms_per_shower": 1e3 * part.flops / rate / batch,
        }
        for part in parts
    ]


def _print_sections(parts: list[dict[str, Any]]) -> None:
    total = sum(part["ms_per_shower"] for part in parts)
    rows = []
    for part in parts:
        time_ms, bound_ms = part["ms_per_shower"], part["bound_ms_per_shower"]
        rows.append(
            [
                part["section"],
                f"{time_ms:.4f}",
                f"{time_ms / total:.0%}",
                f"{part['mflop_per_shower']:.2f}",
                f"{bound_ms:.4f}",
                f"{(time_ms - bound_ms) / total:.0%}",
            ]
        )
    header = ["section", "ms a shower", "fraction", "MFLOP", "bound", "lost"]
    print(f"\nWhat holds it back, at batch {flags.FLAGS.section_batch}:")
    print(timing.table(header, rows))


def _copy(
    model: SimulatingModel | None, signature: dict[str, Any]
) -> tuple[TorchCopy | None, str]:
    """Makes the PyTorch copy, or says why there is none."""
    if model is None:
        return None, "no PyTorch column: no model.keras beside the SavedModel"
    if flags.FLAGS.workers > 1:
        return None, "no PyTorch column: it is timed with one worker only"
    try:
        copy = TorchCopy(
            model.simulator,
            signature["condition"],
            flags.FLAGS.threads,
            flags.FLAGS.torch_python,
        )
    except UnavailableError as error:
        return None, f"no PyTorch column: {error}"
    return copy, (
        f"PyTorch {copy.version} agrees to {copy.largest_difference:.1e}"
        + (f", but for {copy.outside:.1e} of all cells" if copy.outside else "")
    )


def _run() -> None:
    threads, workers = flags.FLAGS.threads, flags.FLAGS.workers
    if threads % workers:
        raise ValueError(
            f"--workers={workers} cannot share --threads={threads}; give a multiple"
        )
    setup.use_threads(threads, workers)
    _batch_sizes()
    with tempfile.TemporaryDirectory() as temporary:
        folder, model = _open(temporary)
        signature = _signature(folder)
        copy, remark = _copy(model, signature)
        try:
            result = _measure(folder, signature, copy)
        finally:
            if copy is not None:
                copy.close()
    print(
        f"{signature['model']}: {result['flop_per_shower'] / 1e6:.2f} MFLOP a shower, "
        f"{threads} threads, workers: {workers}, TensorFlow {tf.__version__}; {remark}"
    )
    _print_batches(result)
    simulate_ms = {
        batch: found["ms_per_shower"][setup.SIMULATE]["median"]
        for batch, found in result["batches"].items()
    }
    compared = reference_time.lines(signature["detector"], threads, simulate_ms)
    print(*compared, sep="\n")
    if model is not None and workers == 1:
        parts = _measure_sections(model, signature, result["gemm_size"])
        _print_sections(parts)
        result["sections"] = parts
    result |= {
        "model": signature["model"],
        "threads": threads,
        "workers": workers,
        "machine": platform.processor() or platform.machine(),
        "tensorflow": tf.__version__,
        "remark": remark,
    }
    setup.write_json(flags.FLAGS.json, result)


if __name__ == "__main__":
    setup.define_common_flags()
    flags.DEFINE_string("model", None, "ENTRY or ENTRY/PRESET, with random weights.")
    flags.DEFINE_string("saved_model", None, "An exported model.")
    flags.DEFINE_integer("workers", 1, "Calls at the same time.", lower_bound=1)
    flags.DEFINE_list("batches", ["1", "64", "512"], "Showers per call.")
    flags.DEFINE_integer("section_batch", 512, "Showers per call of the sections.")
    flags.DEFINE_string("onnx", None, "Folder of its ONNX model.")
    flags.DEFINE_string("torch_python", None, "An interpreter that has torch.")
    flags.DEFINE_bool("torch_compile", True, "Whether to try torch.compile too.")
    setup.run(_run)
