"""The summary of a sweep that has ended or was stopped."""

import math
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf
from rich.console import Console

from perceptron.composition.settings.data_paths import path_settings
from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.errors import UsageError
from perceptron.files.writing import remove_temporary_files, write_text
from perceptron.invocation import for_shell, training_command
from perceptron.runs.folder import Run
from perceptron.runs.folder_lock import folder_lock
from perceptron.sweeps.best_setting import as_experiment
from perceptron.sweeps.job_count import NAME as JOBS
from perceptron.sweeps.job_count import advice, incomplete, varied_settings
from perceptron.sweeps.job_folders import Job, State, find_jobs
from perceptron.terminal.status import clear, show
from perceptron.terminal.text import say

# Files of a sweep's folder that belong to no job.
_OF_NO_JOB = ("multirun.yaml", ".multirun.yaml", "search.db", JOBS)


def conclude_sweep(folder: Path, *, n_left_out: int = 0, interrupted: bool = False) -> int:
    """Print and write a sweep's summary.

    Args:
        folder: of the sweep.
        n_left_out: combinations that its filter has left out.
        interrupted: whether the user stopped the unfinished jobs; otherwise their processes died.

    Returns:
        Number of failed jobs.
    """
    jobs = find_jobs(folder)
    if not jobs:
        return 0
    for job in jobs:
        if not interrupted and job.state == State.RUNNING:
            job.fail(UsageError("terminated without an error: its process was killed, or ran out of memory"))
    summarize(folder, jobs, n_left_out=n_left_out)
    failed = sum(job.state == State.FAILED for job in jobs)
    if failed or incomplete(folder, jobs) is not None:
        say(f"to run what is missing: {advice(folder)}")
    return failed


def discard_empty_sweep(folder: Path, *, within: Path) -> None:
    """Delete the folder of a sweep that has no job, and the folders around it that are then empty.

    Args:
        folder: of the sweep.
        within: a folder that was there before the sweep; those around it stay, too.
    """
    if folder.is_dir() and all(path.name.startswith(_OF_NO_JOB) for path in folder.iterdir()):
        shutil.rmtree(folder)
        with suppress(OSError):
            for parent in folder.absolute().parents:
                if not parent.is_relative_to(within) or parent == within:
                    break
                parent.rmdir()


def remove_leftovers_of_jobs(folder: Path) -> None:
    """Remove the partly written files of jobs whose workers were killed."""
    for job in find_jobs(folder):
        if job.state != State.DONE:
            # A worker that is still alive holds the lock, and the files are its own.
            with suppress(UsageError), folder_lock(job.folder):
                remove_temporary_files(job.folder)


def summarize(folder: Path, jobs: list[Job], *, n_left_out: int = 0) -> None:
    """Write ``summary.csv``, ``summary.md`` and ``experiment/best.yaml`` of a sweep, then print its table."""
    # Imported here, because they import scipy, which is not needed before the end.
    from perceptron.sweeps.finished_runs import read_finished_run
    from perceptron.sweeps.ranking import rank
    from perceptron.sweeps.summary_files import left_out, write_summary
    from perceptron.sweeps.terminal_tables import print_failures, print_rankings

    show(f"reading {len(jobs)} jobs")
    results, faults = [], []
    for job in jobs:
        if job.state == State.DONE:
            try:
                results.append(read_finished_run(Run(job.folder)))
            except UsageError as error:
                faults.append(str(error))
    try:
        found = rank(results, varied=varied_settings(jobs, [folder]))
    except UsageError as error:
        faults.append(str(error))
        found = []
    failed = [job for job in jobs if job.state == State.FAILED]
    missing = incomplete(folder, jobs)
    lacking = [] if missing is None else [(missing, advice(folder))]
    write_summary(folder, found, failed, n_left_out=n_left_out, missing=lacking)
    if found and any(result.figures != "none" for result in results):
        from perceptron.figures.sweep_figures import write_sweep_figures

        show("drawing the figures and the importance of settings")
        write_sweep_figures(folder, found)
    has_best = len(found) == 1 and not math.isnan(found[0].rows[0].estimate(found[0].ranked_by).mean)
    if has_best:
        try:
            _write_best(folder, Job(found[0].rows[0].results[0].folder))
        except UsageError as error:
            faults.append(str(error))
            has_best = False

    clear()
    console = Console()
    for line in faults:
        say(line)
    print_rankings(console, found)
    pruned = sum(job.state == State.PRUNED for job in jobs)
    if pruned:
        console.print(f"{pruned} pruned", highlight=False)
    if n_left_out:
        console.print(left_out(n_left_out), highlight=False)
    print_failures(console, failed)
    if missing is not None:
        console.print(missing, style="yellow", highlight=False)
    say(f"sweep folder  {folder}")
    if has_best:
        say(f"best setting  {training_command()} {for_shell('sweep.best', folder)}")


def _write_best(folder: Path, job: Job) -> None:
    """Write the setting of a job as ``experiment/best.yaml`` in the sweep's folder."""
    (folder / "experiment").mkdir(exist_ok=True)
    overrides = [override for override in parsed_overrides(job.overrides) if not override.is_delete()]
    # Absolute, as the job has stored them: the setting may be used in another working folder.
    paths = dict(path_settings(Run(job.folder).config))
    text = as_experiment(
        {each.key_or_group: paths.get(each.key_or_group, _plain_value(each)) for each in overrides},
        groups=list(job.choices),
        comment=f"The best setting of {folder.name}, job {job.folder.name}.",
    )
    write_text(folder / "experiment" / "best.yaml", text)


def _plain_value(override: Override) -> Any:
    """Value of an override as YAML holds it, without the quotes that kept it together on the command line."""
    return OmegaConf.to_container(OmegaConf.create({"value": override.value()}), resolve=False)["value"]  # type: ignore[call-overload, index]
