"""Files and folders that one process at a time may work on.

The lock is one of the system's (`flock`). It ends with the process, however that ends,
so that nothing has to be removed after a kill.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
from collections.abc import Iterator

LOCK = ".lock"
"""The name of the file that is locked in a folder."""

_BUSY = frozenset({errno.EWOULDBLOCK, errno.EACCES})
# Some network disks are mounted without locks. There, as without this module, nobody
# notices a second process.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


class BusyError(ValueError):
    """Another process works on the same file or folder."""


def open_alone(path: pathlib.Path, remedy: str) -> int:
    """Opens a file, which is made if it does not exist, and locks it.

    Args:
        path: The file, whose content stays: `LOCK` in a folder, or `.NAME.END` for a
            file or folder NAME that is being written.
        remedy: What a user may do instead of waiting, for the message.

    Returns:
        The descriptor, for reading and writing. Closing it gives the lock back.

    Raises:
        BusyError: If another process has locked the file.
        OSError: If it cannot be opened.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor, path, remedy)
            # Who had the lock before may have renamed or removed the file meanwhile.
            if _is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextlib.contextmanager
def alone(lock: pathlib.Path, remedy: str) -> Iterator[None]:
    """Keeps other processes from the same work while the block runs.

    Args:
        lock: The file to lock, removed at the end. Its folder is made if only that
            one is missing.
        remedy: See `open_alone`.

    Raises:
        BusyError: If another process is inside such a block.
        OSError: If the folder cannot be written to.
    """
    descriptor = None
    try:
        while descriptor is None:
            lock.parent.mkdir(exist_ok=True)
            # The process before may remove the folder as the last thing it does.
            with contextlib.suppress(FileNotFoundError):
                descriptor = open_alone(lock, remedy)
    except OSError as error:
        raise OSError(
            f"{lock.parent}: cannot be written to ({error.strerror}); check that the "
            "folder exists, may be written to and has room"
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
        os.close(descriptor)


def _lock(descriptor: int, path: pathlib.Path, remedy: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            # .showers.h5.partial is on its way to showers.h5.
            busy = path.parent if path.name == LOCK else path.with_name(path.stem[1:])
            raise BusyError(
                f"{busy}: another process is at work on it; wait for its end, or "
                f"{remedy}"
            ) from None
        if error.errno not in _NO_LOCKS:
            raise


def _is_at(path: pathlib.Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
