"""Until a terminal shows something: the first character, and the first line about the work itself. 3 minutes.

    python benchmarks/first_lines.py

Each command runs on a terminal of its own, and is ended once it has shown both. That a program is reading the
settings or loading libraries is not about the work. Beside the wall time stands the processor time that the process
has used by then, which says more on a busy machine; where the system does not tell, it is missing. POSIX only.
"""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from measuring import ROOT, Results, arguments

TRAIN = (str(ROOT / "train.py"), "data=iris", "model=softmax", "trainer.accelerator=cpu", "trainer.max_epochs=3")
PERCEPTRON = ("-m", "perceptron")
# What is shown before the work.
BEFORE = ("reading the settings", "reading the command", "loading ")
WHAT = ("first character", "first line about the work")
# What colours a text or hides the cursor.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
MOST_SECONDS = 120.0
SECONDS_TO_END = 10.0


class Shown(NamedTuple):
    """When a terminal showed something, in seconds from the start of the process.

    Attributes:
        seconds: of wall time.
        processor: of the process's own processor time; None where the system does not tell.
        text: what it showed.
    """

    seconds: float
    processor: float | None
    text: str


def first_and_work(command: Sequence[str], folder: Path) -> tuple[Shown, Shown]:
    """The first text that a Python program shows on a terminal, and the first about its work.

    Raises:
        RuntimeError: where it ends, or two minutes pass, without the second.
    """
    mine, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], stdin=its, stdout=its, stderr=its, cwd=folder, env=environment
    )
    os.close(its)
    told, first = "", None
    try:
        while time.perf_counter() - started < MOST_SECONDS:
            ready, _, _ = select.select([mine], [], [], 1.0)
            if not ready:
                continue
            try:
                part = os.read(mine, 2**16)
            except OSError:
                # The program has closed its terminal.
                break
            told += part.decode(errors="replace")
            shown = time.perf_counter() - started, processor_seconds(process.pid)
            lines = [line.strip() for line in re.split(r"[\r\n]+", CONTROL.sub("", told)) if line.strip()]
            if lines and first is None:
                first = Shown(*shown, lines[0])
            about_work = next((line for line in lines if not line.startswith(BEFORE)), None)
            if first is not None and about_work is not None:
                return first, Shown(*shown, about_work)
        raise RuntimeError(f"{' '.join(command)} showed nothing about its work:\n{told[-2000:]}")
    finally:
        end(process)
        os.close(mine)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process as Ctrl-C does, at the latest after ten seconds."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def processor_seconds(pid: int) -> float | None:
    """Processor time of a process so far, without its children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    # After the name, proc(5) lists utime as the twelfth field and stime as the thirteenth.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def commands(folder: Path) -> dict[str, Callable[[], Sequence[str]]]:
    """The commands by name; each is made anew for a round, because resuming changes a run."""
    run, logs = folder / "run", folder / "logs"
    rows, answers = folder / "rows.csv", folder / "answers.csv"

    def resumed() -> Sequence[str]:
        copy = Path(tempfile.mkdtemp(dir=folder)) / "run"
        shutil.copytree(run, copy)
        return (*PERCEPTRON, "resume", f"run={copy}", "trainer.max_epochs=500")

    log_dir = f"paths.log_dir={folder / 'ended'}"
    sweep = (*TRAIN, "-m", "seed=range(8)", "figures=none", log_dir)
    return {
        "bare Python": lambda: ("-c", "print('here')"),
        "train.py": lambda: (*TRAIN, "figures=none", log_dir),
        "train.py -m": lambda: sweep,
        "train.py -m, population": lambda: (*sweep, "hydra/launcher=population"),
        "train.py with figures": lambda: (*TRAIN, "figures=end", log_dir),
        "evaluate": lambda: (*PERCEPTRON, "evaluate", f"run={run}"),
        "predict": lambda: (*PERCEPTRON, "predict", f"run={run}", f"input={rows}", f"output={answers}"),
        "resume": resumed,
        "report": lambda: (*PERCEPTRON, "report", f"run={run}"),
        "export": lambda: (*PERCEPTRON, "export", f"run={run}", "format=torch", f"output={folder / 'model.pt2'}"),
        "dashboard": lambda: (*PERCEPTRON, "dashboard", f"logs={logs}", "port=0"),
    }


def prepare(folder: Path) -> None:
    """Train the run that the commands read, and write rows to predict for."""
    placed = (f"paths.log_dir={folder / 'logs'}", f"hydra.run.dir={folder / 'run'}")
    trained = subprocess.run(
        [sys.executable, *TRAIN, *placed, "figures=none"], cwd=folder, capture_output=True, text=True, check=False
    )
    if trained.returncode:
        raise RuntimeError(trained.stderr[-2000:])
    shutil.copytree(folder / "run", folder / "logs" / "train" / "runs" / "run")
    names = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
    (folder / "rows.csv").write_text(f"{names}\n5.1,3.5,1.4,0.2\n", encoding="utf-8")


def main() -> None:
    """Measure the commands in turn."""
    typed = arguments(__doc__, rounds=3)
    results = Results("first_lines", typed.folder, quick=typed.quick)
    entries = {
        (what, unit): results.comparison(f"{what}, {unit} time", unit="s", base="bare Python")
        for what in WHAT
        for unit in ("wall", "processor")
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for number in range(typed.rounds):
            for command, made in commands(folder).items():
                shown = first_and_work(made(), folder)
                for what, found in zip(WHAT, shown, strict=True):
                    entries[what, "wall"]["values"].setdefault(command, []).append(found.seconds)
                    if found.processor is not None:
                        entries[what, "processor"]["values"].setdefault(command, []).append(found.processor)
                results.save()
                said = ", then ".join(f"{found.seconds:.2f} s {found.text[:60]!r}" for found in shown)
                print(f"{number + 1}/{typed.rounds} {command}: {said}", file=sys.stderr)
    results.finish()


if __name__ == "__main__":
    main()
