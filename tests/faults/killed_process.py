"""Processes that are forked to be killed."""

import os
import signal
import sys
import threading


class Failed(Exception):
    """Something was half-written, or other bits came out."""


def say(text):
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201


def forked(work, log):
    """Starts a process that does some work and returns its number."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        with log.open("ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        try:
            work()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def finished(process, log, after_s=None):
    """Waits for a process, or kills it after some time.

    Returns:
        Whether it came to its end.
    """
    timer = None
    if after_s is not None:
        timer = threading.Timer(after_s, os.kill, (process, signal.SIGKILL))
        timer.start()
    # The number stays taken until waitpid; a late kill meets a zombie at most.
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    if timer is not None:
        timer.cancel()
        timer.join()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status:
        raise Failed(f"status {status}: {log.read_text()[-2000:]}")
    return True
