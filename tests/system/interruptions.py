"""Sends signals at random moments to every launcher and sweeper, and compares what is left after all has gone on.

    python tests/system/interruptions.py --signals 200

Each case is a process of one of the kinds below, which gets SIGINT, SIGTERM or SIGHUP between its start and its end;
every third gets another within 0.2 seconds. It must end with 128 plus the signal's number, or be through; print no
traceback; leave no lock and no temporary file; and go on to the metrics of one that nobody disturbed. Exit status 0
where all cases do.

Processes are forked from one that has imported everything, because importing takes longer than all the rest; with
--fresh each starts by itself, so that signals arrive while it imports.
"""

import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from stopped_processes import exit_status, forked, parser, run_cases, temporary_folder

from perceptron import __main__ as command

ROOT = Path(__file__).parent.parent.parent
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_RUN = (
    "data=wine",
    "model=softmax",
    "trainer.max_epochs=60",
    "trainer.accelerator=cpu",
    "callbacks.last.every_seconds=0.1",
)
_SWEEP = ("-m", "data=wine", "model=digits_mlp", "model.network.hidden=[8]", "trainer.max_epochs=40",
          "trainer.accelerator=cpu", "figures=none")  # fmt: skip
_SEARCH = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "optimizer.lr=interval(0.01,0.1)")
KINDS: dict[str, tuple[str, ...]] = {
    "run": (*_RUN, "logger=many"),
    "figures": (*_RUN, "trainer.max_epochs=4", "figures=epoch"),
    "table": (*_RUN, "data=table", "data.path=TABLE", "data.target=target", "figures=none"),
    "scikit_learn": ("model=sklearn_forest", "data=digits"),
    "basic": (*_SWEEP, "seed=range(4)"),
    "population": (*_SWEEP, "trainer.max_epochs=400", "hydra/launcher=population", "seed=range(8)"),
    "joblib": (*_SWEEP, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=range(4)"),
    "search": (*_SWEEP, *_SEARCH),
    "search_population": (*_SWEEP, *_SEARCH, "hydra/launcher=population", "hydra.sweeper.n_jobs=2"),
    "submitit": (*_SWEEP, "hydra/launcher=submitit_local", "seed=range(2)"),
    "ray": (*_SWEEP, "hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2", "seed=range(2)"),
}
# What makes a start slow.
_IMPORTED = (
    "perceptron.composition.train", "perceptron.composition.fit_estimator", "perceptron.composition.stored.resuming",
    "perceptron.composition.population.launcher", "perceptron.figures.run_figures", "perceptron.sweeps.summary_files",
    "perceptron.figures.sweep_figures", "perceptron.data.sources.frames", "optuna", "tensorboard", "sklearn.ensemble",
    "scipy.stats",
)  # fmt: skip
_LONGEST = 240.0
# Metrics of the undisturbed one of a kind, by job, and the seconds that it took.
Known = dict[str, tuple[dict[str, dict[str, float]], float]]
# Sums over other shares of a population are taken in another order.
_TOLERANCE = {"population": 1e-5, "search_population": 1e-5}


@dataclass
class Ended:
    """How a process ended.

    Attributes:
        status: as a shell has it.
        said: stdout and stderr.
        seconds: that it took.
    """

    status: int
    said: str
    seconds: float


def _free_signals() -> None:
    """What a shell ignores for a job in the background, a test must not."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _start(arguments: tuple[str, ...], log: Path, *, fresh: bool) -> int:
    def work() -> None:
        _free_signals()
        os.chdir(ROOT)
        sys.argv = ["perceptron", *arguments]
        command.main()

    if not fresh:
        return forked(work, log)
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "perceptron", *arguments], cwd=ROOT, stdout=file, stderr=file,
            start_new_session=True, preexec_fn=_free_signals
        ).pid  # fmt: skip


def _run(arguments: tuple[str, ...], log: Path, *, fresh: bool) -> Ended:
    begun = time.monotonic()
    status = exit_status(_start(arguments, log, fresh=fresh), within=_LONGEST)
    return Ended(-999 if status is None else status, log.read_text(encoding="utf-8"), time.monotonic() - begun)


def _command(kind: str, folder: Path) -> tuple[str, ...]:
    settings = tuple(part.replace("TABLE", str(folder.parent / "table.csv")) for part in KINDS[kind])
    return ("train", *settings, f"hydra.{'sweep' if '-m' in settings else 'run'}.dir={folder}")


def _metrics(folder: Path) -> dict[str, dict[str, float]]:
    return {
        str(path.parent.relative_to(folder)): json.loads(path.read_text(encoding="utf-8"))
        for path in folder.rglob("metrics.json")
    }


def _differing(one: dict[str, dict[str, float]], other: dict[str, dict[str, float]], tolerance: float) -> str:
    if one.keys() != other.keys():
        return f"results of {sorted(one)} for those of {sorted(other)}"
    for job, metrics in one.items():
        for name, value in metrics.items():
            if value != other[job][name] and not math.isclose(value, other[job][name], abs_tol=tolerance):
                return f"{name} of {job}: {other[job][name]} for {value}"
    return ""


def _faults(ended: Ended, number: int, folder: Path) -> list[str]:
    """What is wrong with how an interrupted process ended."""
    faults = []
    if ended.status not in (0, 128 + number, -number):
        faults.append(f"status {ended.status}")
    # Before Python has any handler, and when all is done, the system ends it.
    if ended.status == -number and folder.exists() and not list(folder.rglob("metrics.json")):
        faults.append("killed where it had begun")
    # joblib's tracker of its own resources does not survive the end of a terminal, and says so.
    said = re.sub(r"Traceback.*\n(?:  .*resource_tracker.*\n(?:    .*\n)*)+KeyError: '/loky.*\n", "", ended.said)
    if "Traceback" in said or "Exception ignored" in said or "Error" in said:
        faults.append("a traceback")
    if ended.status == 128 + number and len(re.findall(r"^interrupted by ", ended.said, re.MULTILINE)) != 1:
        faults.append("not one line")
    if ended.status == 128 + number and "nothing was written" in ended.said and folder.exists():
        faults.append(f"left {[path.name for path in folder.iterdir()]}")
    left = [path for pattern in (".*.tmp", ".lock") for path in folder.rglob(pattern)]
    faults += [f"left {path.relative_to(folder)}" for path in left]
    return faults


def run_case(
    root: Path, kind: str, number: int, chance: random.Random, known: Known, *, fresh: bool, within: float
) -> tuple[str, str]:
    """One process, interrupted and resumed: a line about it, and what is wrong, which is empty if nothing is."""
    if kind not in known:
        folder = root / f"{kind}_undisturbed"
        ended = _run(_command(kind, folder), folder.with_suffix(".log"), fresh=fresh)
        if ended.status:
            raise RuntimeError(ended.said)
        known[kind] = _metrics(folder), ended.seconds
    wanted, seconds = known[kind]
    folder = root / f"{number}_{kind}"
    log = folder.with_suffix(".log")
    sent = chance.choice(_SIGNALS)
    moment = chance.uniform(0, min(seconds, within))
    process = _start(_command(kind, folder), log, fresh=fresh)
    status = exit_status(process, within=moment)
    # Ctrl-C and a closed terminal reach all processes, kill(1) one.
    send = os.kill if sent == signal.SIGTERM else os.killpg
    times = 2 if number % 3 == 0 else 1
    begun = time.monotonic()
    for _ in range(times):
        if status is None:
            send(process, sent)
            status = exit_status(process, within=chance.uniform(0, 0.2))
    where = f"{number} {kind} {sent.name} x{times} at {moment:.2f} of {seconds:.2f} s"
    if status is None:
        status = exit_status(process, within=_LONGEST)
    if status is None:
        os.killpg(process, signal.SIGKILL)
        return where, f"hangs, see {log}"
    faults = _faults(Ended(status, log.read_text(encoding="utf-8"), 0), sent, folder)
    where += f", status {status} after {time.monotonic() - begun:.1f} s"
    if status and folder.is_dir():
        goes_on = ("train", f"sweep.resume={folder}") if "-m" in KINDS[kind] else ("resume", f"run={folder}")
        again = _run(goes_on, folder.with_suffix(".again.log"), fresh=fresh)
        if again.status:
            faults.append(f"went on to status {again.status}")
    if folder.is_dir() and (differing := _differing(wanted, _metrics(folder), _TOLERANCE.get(kind, 0))):
        faults.append(differing)
    return where, f"{'; '.join(faults)}, see {log}" if faults else ""


def main() -> int:
    """Run the cases and print how many are equal."""
    arguments = parser(__doc__, option="--signals", cases=200)
    arguments.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    arguments.add_argument(
        "--within", type=float, default=math.inf, help="seconds from the start, in which signals come"
    )
    arguments.add_argument("--fresh", action="store_true", help="start each process by itself")
    options = arguments.parse_args()
    if not options.fresh:
        for module in _IMPORTED:
            import_module(module)
    root = temporary_folder("interruptions")
    rows = [",".join(str((i * k) % 17 + i % 3) for k in (1, 2, 5)) + f",{'ab'[i % 2]}" for i in range(400)]
    (root / "table.csv").write_text("\n".join(["x,y,z,target", *rows]) + "\n", encoding="utf-8")
    known: Known = {}

    def case(root: Path, number: int, chance: random.Random) -> tuple[str, str]:
        kind = options.kinds[number % len(options.kinds)]
        return run_case(root, kind, number, chance, known, fresh=options.fresh, within=options.within)

    return run_cases(root, case, options)


if __name__ == "__main__":
    sys.exit(main())
