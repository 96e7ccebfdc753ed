"""Processes that kills.py and interruptions.py stop, and the loop over their cases."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# A case: its folder, its number, and what decides; a line about it, and what is wrong, which is empty if nothing is.
Case = Callable[[Path, int, random.Random], tuple[str, str]]


def forked(work: Callable[[], None], log: Path) -> int:
    """Run work in a forked process of its own session, with its output in a file; the process's number."""
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        # The processes that it starts can be killed with it.
        os.setsid()
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def exit_status(process: int, *, within: float) -> int | None:
    """Exit status of a process, negative after a signal; None if it is still running after so many seconds."""
    end = time.monotonic() + within
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.005)


def parser(description: str | None, *, option: str, cases: int) -> argparse.ArgumentParser:
    """A parser with the options that both programs have.

    Args:
        description: docstring of the program.
        option: its name for the number of cases.
        cases: how many there are by default.
    """
    found = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    found.add_argument(option, type=int, default=cases, dest="cases")
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--keep", action="store_true", help="keep the folders")
    return found


def run_cases(root: Path, case: Case, options: argparse.Namespace) -> int:
    """Run the cases and print how many are equal; the exit status of the program.

    Args:
        root: folder of the cases; deleted if all are equal, unless ``--keep`` is typed.
        case: runs one.
        options: of ``parser``.
    """
    chance = random.Random(options.seed)  # noqa: S311
    equal = 0
    for number in range(options.cases):
        line, fault = case(root, number, chance)
        equal += not fault
        print(f"{line}: {fault or 'equal'}", flush=True)
    print(f"{equal} of {options.cases} equal")
    if equal == options.cases and not options.keep:
        shutil.rmtree(root)
    else:
        print(f"folders in {root}")
    return int(equal != options.cases)


def temporary_folder(name: str) -> Path:
    """A new folder for the cases of a program."""
    return Path(tempfile.mkdtemp(prefix=f"{name}_"))
