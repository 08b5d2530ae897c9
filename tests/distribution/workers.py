"""Two workers of one training on this machine, each a process of `train.py`."""

import json
import os
import pathlib
import socket
import subprocess
import sys

from tests import synthetic

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNT = 2


def free_addresses(count=COUNT):
    """Returns addresses of this machine that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("localhost", 0))
        return [f"localhost:{one.getsockname()[1]}" for one in sockets]
    finally:
        for one in sockets:
            one.close()


def task(addresses, index):
    """Returns the TF_CONFIG of a worker."""
    cluster = {"worker": addresses}
    return json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})


def start(folder, data, *options):
    """Starts all workers of a tiny training.

    Every worker has a folder of its own, so that what it writes shows.

    Args:
        folder: Where these folders are.
        data: A file of showers in `hgcal`.
        *options: Further options of `train.py`.

    Returns:
        The processes, that of the chief first.
    """
    addresses = free_addresses()
    settings = synthetic.assignments(synthetic.TINY_WGAN)
    found = []
    for index in range(COUNT):
        command = [
            sys.executable, "train.py", "--model=wgan_constrained",
            "--strategy=multiworker", f"--data={data}",
            f"--workdir={folder / str(index)}", *settings, *options,
        ]  # fmt: skip
        environment = {**os.environ, "TF_CONFIG": task(addresses, index)}
        found.append(
            subprocess.Popen(
                command, cwd=ROOT, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
    return found
