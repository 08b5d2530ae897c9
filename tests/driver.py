"""Runs a script for many command lines in one process: importing it takes seconds."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

_PROGRAM = """
import contextlib, importlib, io, json, sys
script = importlib.import_module(sys.argv[1])
sys.argv = [f"{sys.argv[1]}.py"]
found = []
for arguments in json.load(sys.stdin):
    script.FLAGS.unparse_flags()
    for name in script.FLAGS:
        script.FLAGS[name].unparse()
    output, errors = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(output):
        try:
            script.main(script.command_line.parse([*sys.argv, *arguments]))
        except SystemExit as leaving:
            status = leaving.code
    found.append([status, errors.getvalue(), output.getvalue()])
print(json.dumps(found))
"""


def drive(
    script: str, folder: pathlib.Path, command_lines: Sequence[Sequence[str]]
) -> list[list[Any]]:
    """Runs a script of the repository.

    Args:
        script: Its name, without ".py".
        folder: Where to run it; the repository must be found from there.
        command_lines: Its arguments, once per run.

    Returns:
        [exit status, standard error, standard output] of each run.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, script],
        cwd=folder,
        input=json.dumps(command_lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])
