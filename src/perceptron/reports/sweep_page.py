"""The report of a sweep, from the files in its folder."""

from collections.abc import Sequence
from math import isnan
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.reports.html import Section, heading, images_in, named_values, page, paragraph, table
from perceptron.runs.folder import Run
from perceptron.runs.metric_display import format_value, undefined_notes
from perceptron.sweeps.finished_runs import FinishedRun, read_finished_run
from perceptron.sweeps.job_count import advice, count_not_started, incomplete, varied_settings
from perceptron.sweeps.job_folders import Job, State, find_jobs
from perceptron.sweeps.ranking import Ranking, rank
from perceptron.sweeps.ranking_notes import notes
from perceptron.sweeps.ranking_table import ranking_table
from perceptron.sweeps.setting_names import shown_setting

FIGURE_ORDER = ("intervals", "learning_rate", "importance")


def sweep_page(folder: Path) -> str:
    """HTML of a sweep: the ranking, figures, all jobs with their failures, and the common provenance.

    Raises:
        UsageError: if the folder has no jobs, or a finished one cannot be read.
    """
    jobs = find_jobs(folder)
    if not jobs:
        raise UsageError(f"sweep must be a multirun's folder, got {folder}, which has no jobs; name another")
    results = {job.folder: read_finished_run(Run(job.folder)) for job in jobs if job.state == State.DONE}
    rankings = rank(list(results.values()), varied=varied_settings(jobs, [folder])) if results else []
    figures = images_in(folder / "figures", first=FIGURE_ORDER)
    parts = [
        Section("Results", _rankings(rankings) or paragraph("No job has finished.", warns=True)),
        Section("Figures", figures or paragraph("There are none: they are drawn when a sweep ends.")),
        Section("Jobs", _jobs(jobs, results)),
        *_provenance(jobs),
    ]
    not_started = count_not_started(folder, jobs)
    counts = {state.value: sum(job.state == state for job in jobs) for state in State} | {"not started": not_started}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    summary = f"{len(jobs) + not_started} jobs: {told}."
    if incomplete(folder, jobs) is not None:
        summary += f" To run what is missing: {advice(folder)}"
    return page(title=f"Sweep {folder.name}", summary=summary, sections=parts)


def _rankings(rankings: Sequence[Ranking]) -> str:
    parts = []
    for ranking in rankings:
        laid_out = ranking_table(ranking)
        parts += [heading(laid_out.title), table(laid_out.header, laid_out.rows)]
    parts += [paragraph(f"{line}.") for line in notes(rankings)]
    return "".join(parts)


def _jobs(jobs: Sequence[Job], results: dict[Path, FinishedRun]) -> str:
    shown = list(dict.fromkeys(name for result in results.values() for name in result.metrics))
    rows = [
        [
            job.folder.name,
            job.state.value,
            " ".join(map(shown_setting, job.setting_overrides)),
            *(format_value(results[job.folder].metrics.get(name)) if job.folder in results else "" for name in shown),
            job.reason,
        ]
        for job in jobs
    ]
    undefined = {name: value for result in results.values() for name, value in result.metrics.items() if isnan(value)}
    told = "".join(paragraph(f"{note}.") for note in undefined_notes(undefined))
    return table(["job", "state", "overrides", *shown, "reason"], rows) + told


def _provenance(jobs: Sequence[Job]) -> list[Section]:
    """Settings and provenance of the first finished job; the others differ in their overrides."""
    for job in jobs:
        if job.state == State.DONE:
            run = Run(job.folder)
            note = paragraph(f"These are of job {job.folder.name}; the table of jobs shows how the others differ.")
            return [
                Section("Settings", note + named_values(run.config)),
                Section("Provenance", note + named_values(run.provenance)),
            ]
    return []
