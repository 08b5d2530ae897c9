"""Every moment at which a process may be killed, and what then lies on the disk.

A kill leaves what the finished calls to the system have left. So a copy of the folder
before each of them is what a kill at this moment would leave, without a process that
has to be started for each.
"""

import contextlib
import os
import shutil
import sys
import threading

_CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_state = {"hooked": False, "take": None}


def _hook(event, arguments):
    take = _state["take"]
    if take is None:
        return
    if event == "open":
        path, _, flags = arguments
        # Files that the test itself reads are no change, nor are devices.
        if not (isinstance(path, str | os.PathLike) and flags & _WRITING):
            return
    elif event not in _CHANGES:
        return
    take()


@contextlib.contextmanager
def moments(folder, copies):
    """Copies a folder before each change that is made while the block runs.

    Args:
        folder: The folder.
        copies: An empty folder for the copies.

    Yields:
        A list, to which the paths of the copies are added.
    """
    if not _state["hooked"]:
        # It cannot be taken away again; without `take` it does nothing.
        sys.addaudithook(_hook)
        _state["hooked"] = True
    found, own = [], threading.local()
    one_at_a_time = threading.Lock()

    def take():
        if getattr(own, "copying", False):
            return
        own.copying = True
        try:
            with one_at_a_time:
                copy = copies / f"{len(found):04}"
                shutil.copytree(folder, copy)
                found.append(copy)
        finally:
            own.copying = False

    _state["take"] = take
    try:
        yield found
    finally:
        _state["take"] = None
