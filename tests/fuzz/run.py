"""Fuzzes the readers of one format: python -m tests.fuzz.run FORMAT --seconds=180.

It goes on after a finding until the time is over, and exits with status 1 if there were
any. The files that caused them are left in --folder.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import time

from tests.fuzz.seeds import WRITERS

_LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=65536")
"""Seconds and memory of one execution, and bytes of a file."""


def main() -> None:
    """Runs the fuzzer again and again, and says what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("format", choices=list(WRITERS))
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--folder", type=pathlib.Path, default="runs/fuzz")
    arguments = parser.parse_args()
    folder = arguments.folder / arguments.format
    seeds, corpus, findings = (folder / name for name in ("seeds", "corpus", "found"))
    for one in (seeds, corpus, findings):
        one.mkdir(parents=True, exist_ok=True)
    WRITERS[arguments.format](seeds)
    start, executions = time.monotonic(), 0
    reasons: collections.Counter[str] = collections.Counter()
    while (left := arguments.seconds - int(time.monotonic() - start)) > 0:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.child",
                arguments.format,
                str(findings),
                str(corpus),
                str(seeds),
                f"-max_total_time={left}",
                f"-artifact_prefix={findings}/",
                "-print_final_stats=1",
                *_LIMITS,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        executions += max(map(int, re.findall(r"^#(\d+)", output, re.M)), default=0)
        if done.returncode:
            reason = _reason(output, done.returncode)
            if not reasons[reason]:
                sys.stdout.write(output[-4000:])
            reasons[reason] += 1
            if not re.search(r"^#\d", output, re.M):
                break  # It did not even begin.
    seconds = time.monotonic() - start
    print(f"{arguments.format}: {executions:,} executions in {seconds:,.0f} s")
    for reason, count in reasons.most_common():
        print(f"{arguments.format}: {count} x {reason}")
    sys.exit(bool(reasons))


def _reason(output: str, status: int) -> str:
    """Returns what tells a finding from others."""
    _, found, exception = output.partition("Uncaught Python exception: ===\n")
    if found:
        places = re.findall(r'^  File "(.*)", line (\d+)', exception, re.M)
        kind = exception.partition(":")[0]
        return f"{kind} at {':'.join(places[-1])}" if places else kind
    for line in output.splitlines():
        if "ERROR: libFuzzer" in line:
            return line.partition("ERROR: ")[2]
    return f"exit status {status}"


if __name__ == "__main__":
    main()
