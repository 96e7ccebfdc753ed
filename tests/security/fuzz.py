"""Damages folders of runs at random and lets every command read them: a line or a result, and nothing else happens.

    python tests/security/fuzz.py --tries 2000

Each try copies a run or a sweep, changes something in it (bytes, values, links, FIFOs), and forks a process that runs
one command on it. A fault is a traceback, an end by a signal, more than 20 seconds of computing or 90 of waiting, a
file opened for writing outside the folder, a connection, a program started, or a temporary file left. Exit status 0
where there is none. Every try is a function of ``--seed`` and its number; ``--only`` repeats one.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mutations import mutate

from perceptron import __main__ as command

_COMPUTING, _WAITING = 20, 90
_MEMORY = 6 * 2**30
_RUN = (
    "model=digits_mlp", "model.network.hidden=[4]", "optimizer=adam", "scheduler=plateau", "trainer.max_epochs=2",
    "trainer.accelerator=cpu", "figures=none",
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events of Python's audit hooks by which something changes, with the places of the paths among their arguments.
_CHANGES = {
    "os.remove": (0,), "os.rename": (0, 1), "os.mkdir": (0,), "os.rmdir": (0,), "os.truncate": (0,), "os.link": (1,),
    "os.symlink": (1,), "os.chmod": (0,), "shutil.rmtree": (0,), "sqlite3.connect": (0,),
}  # fmt: skip
# Where torch and others keep a file while they read another.
_temporary = str(Path(tempfile.gettempdir()) / tempfile.gettempprefix())
_NEVER = ("subprocess.Popen", "os.exec", "os.system", "os.posix_spawn", "socket.connect")


def _prepare(root: Path) -> None:
    """The folders that are copied: a run of scikit-learn's data, one of a table, a sweep, a search."""
    chance = np.random.default_rng(0)
    rows = [
        f"{a:.2f},{b:.2f},{'red' if a > 0 else 'blue'},{'=x' if a + b > 0 else 'y'}"
        for a, b in chance.normal(size=(60, 2))
    ]
    table = root / "outside" / "rows.csv"
    table.parent.mkdir()
    table.write_text("\n".join(["a,b,colour,label", *rows]) + "\n", encoding="utf-8")
    (root / "outside" / "precious").write_text("precious", encoding="utf-8")
    of_table = ("data=table", f"data.path={table}", "data.target=label")
    made = root / "made"
    _run("train", "data=wine", *_RUN, "logger=csv", f"hydra.run.dir={made / 'run'}")
    _run("train", *of_table, *_RUN, "logger=tensorboard", f"hydra.run.dir={made / 'table'}")
    sweep = ("data=wine", *_RUN, "logger=none", "seed=1,2,3")
    _run("train", "-m", *sweep, f"hydra.sweep.dir={made / 'sweep'}")
    search = ("data=wine", *_RUN, "logger=none", "hparams_search=optuna", "hydra.sweeper.n_trials=1")
    _run("train", "-m", *search, f"hydra.sweep.dir={made / 'search'}")
    for name in ("sweep/2", "search/0"):
        (made / name / "metrics.json").unlink()
    for rest in made.rglob("*.log"):
        rest.write_text("", encoding="utf-8")


def _run(*arguments: str) -> None:
    sys.argv = ["perceptron", *arguments]
    command.main()


# Name: the folders that it is tried on, and its arguments.
_Arguments = Callable[[Path], list[str]]
COMMANDS: dict[str, tuple[tuple[str, ...], _Arguments]] = {
    "evaluate": (("run", "table"), lambda case: ["evaluate", f"run={case}", f"output={case / 'out.json'}"]),
    "predict": (
        ("table",),
        lambda case: ["predict", f"run={case}", f"input={case.parents[1] / 'outside' / 'rows.csv'}",
                      f"output={case / 'out.csv'}", "ignore=[label]"],
    ),
    "resume": (("run", "table"), lambda case: ["resume", f"run={case}", "trainer.max_epochs=3"]),
    "report": (("run", "table"), lambda case: ["report", f"run={case}"]),
    "report sweep": (("sweep", "search"), lambda case: ["report", f"sweep={case}"]),
    "compare": (("sweep", "run"), lambda case: ["compare", str(case), f"output={case / 'out'}"]),
    "check": (("run", "table"), lambda case: ["check", f"run={case}"]),
    "export": (("run",), lambda case: ["export", f"run={case}", "format=torch"]),
    "sweep.resume": (("sweep", "search"), lambda case: ["train", "-m", f"sweep.resume={case}"]),
    "figures": (("run", "table"), lambda case: ["figures", f"run={case}"]),
    "figures sweep": (("sweep",), lambda case: ["figures", f"sweep={case}"]),
    "ensemble": (("sweep",), lambda case: ["ensemble", f"run={case}"]),
}  # fmt: skip
# Those that read most files are tried most often.
_ORDER = (
    *("evaluate", "resume", "predict", "report") * 5, "compare", "check", "export", "sweep.resume", "report sweep",
    "ensemble", "figures", "figures sweep",
)  # fmt: skip


class _Watch:
    """Notes what this process does outside a folder."""

    def __init__(self, folder: Path) -> None:
        self.inside = os.path.realpath(folder) + os.sep
        self.seen: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and flags & _WRITES:
                self._note(event, path)
        elif event in _CHANGES:
            for place in _CHANGES[event]:
                self._note(event, arguments[place])
        elif event in _NEVER and "git" not in str(arguments[0]):
            self.seen.append(f"{event} {arguments}")

    def _note(self, event: str, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        # Where a link leads for what follows it; the link itself for what does not.
        text = os.fsdecode(path)
        followed = event in ("open", "os.truncate", "sqlite3.connect", "os.chmod")
        absolute = Path.cwd() / text
        real = os.path.realpath(absolute if followed else absolute.parent)
        real = real if followed else str(Path(real) / absolute.name)
        if not (real + os.sep).startswith((self.inside, "/dev/", _temporary)):
            self.seen.append(f"{event} {real}")


def _child(case: Path, arguments: list[str]) -> None:
    """Run the command; never returns."""
    status = 97
    try:
        os.chdir(case)
        for name, number in (("out", 1), ("err", 2)):
            with case.with_suffix(f".{name}").open("wb") as file:
                os.dup2(file.fileno(), number)
        resource.setrlimit(resource.RLIMIT_CPU, (_COMPUTING, _COMPUTING))
        resource.setrlimit(resource.RLIMIT_AS, (_size() + _MEMORY, _size() + _MEMORY))
        watch = _Watch(case)
        try:
            _run(*arguments)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        for line in dict.fromkeys(watch.seen):
            print(f"OUTSIDE {line}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _size() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()


def _fault(case: Path, status: int, waited: bool) -> str | None:
    """What is wrong with an end, in a line."""
    err = case.with_suffix(".err").read_text(errors="replace", encoding="utf-8")
    if waited or status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "hangs"
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    if "Traceback" in err:
        return f"traceback: {next((x for x in reversed(err.splitlines()) if not x.startswith('OUTSIDE')), '')[:200]}"
    if outside := [line for line in err.splitlines() if line.startswith("OUTSIDE")]:
        return outside[0][:200]
    if status not in (0, 1, 2) or (status == 2) != (sum(line.startswith("error: ") for line in err.splitlines()) == 1):
        return f"status {status}: {err[-200:]!r}"
    if "\x1b" in err or "\u202e" in err:
        return "shows control characters"
    left = [path.name for path in case.rglob(".*.tmp")]
    return f"left {left}" if left else None


def _restored(outside: Path) -> bool:
    """Whether something had changed there, which is changed back so that the next try is judged by itself."""
    others = [path for path in outside.iterdir() if path.name not in ("precious", "rows.csv")]
    for path in others:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    precious = outside / "precious"
    is_whole = precious.is_file() and precious.read_text(encoding="utf-8") == "precious"
    if not is_whole:
        precious.write_text("precious", encoding="utf-8")
    return bool(others) or not is_whole


def try_one(root: Path, seed: int, number: int) -> tuple[str, str | None]:
    """One try; what it was, and what is wrong with it."""
    chance = random.Random(f"{seed} {number}")  # noqa: S311
    name = _ORDER[number % len(_ORDER)]
    sources, arguments = COMMANDS[name]
    case = root / f"try{number}" / "case"
    shutil.copytree(root / "made" / chance.choice(sources), case, symlinks=True)
    if name == "resume" and chance.random() < 0.5:
        (case / "metrics.json").unlink()
    what = mutate(case, root / "outside", chance)
    child = os.fork()
    if not child:
        _child(case, arguments(case))
    begun, status, waited = time.monotonic(), None, False
    while status is None:
        ended, raw = os.waitpid(child, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(raw)
        elif time.monotonic() - begun > _WAITING:
            os.kill(child, signal.SIGKILL)
            waited = True
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            time.sleep(0.01)
    fault = _fault(case, status, waited)
    if _restored(root / "outside"):
        fault = fault or "changed what lies outside"
    line = f"{number} {name} [{what}] {status} {time.monotonic() - begun:.1f} s"
    if fault is None:
        shutil.rmtree(case.parent)
    return line, fault


def main() -> int:
    """Try and say how many were faultless."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="repeat one try, and keep its folder")
    options = parser.parse_args()
    sys.dont_write_bytecode = True
    root = Path(tempfile.mkdtemp(prefix="fuzz_"))
    preparing = os.fork()
    if not preparing:
        status = 1
        try:
            _prepare(root)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if os.waitpid(preparing, 0)[1]:
        return 1
    _warm_up(root)
    numbers = [options.only] if options.only is not None else range(options.first, options.first + options.tries)
    faults = 0
    for number in numbers:
        line, fault = try_one(root, options.seed, number)
        faults += fault is not None
        print(f"{line}{'' if fault is None else f': FAULT {fault}'}", flush=True)
    print(f"{len(numbers) - faults} of {len(numbers)} without a fault")
    if faults or options.only is not None:
        print(f"folders in {root}")
    else:
        shutil.rmtree(root)
    return int(faults > 0)


def _warm_up(root: Path) -> None:
    """Import in this process what the commands import, so that a try costs what it does alone."""
    for name, (sources, arguments) in COMMANDS.items():
        case = root / f"warm_{name}" / "case"
        shutil.copytree(root / "made" / sources[0], case)
        try:
            _run(*arguments(case))
        except SystemExit as end:
            # `check` ends with 1 where it objects.
            if end.code not in (None, 0, 1):
                raise
        shutil.rmtree(case.parent)


if __name__ == "__main__":
    sys.exit(main())
