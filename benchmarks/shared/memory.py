"""The memory that a process has needed."""

import resource
from pathlib import Path


def peak_rss_mb() -> float:
    """Returns the largest memory that this process has had [MB]."""
    # ru_maxrss of a child also counts its parent's memory at the fork; VmHWM does not.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
