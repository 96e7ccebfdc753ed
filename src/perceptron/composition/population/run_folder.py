"""The folder of a job that was trained beside others, written as if the job had run alone."""

from typing import Any

from perceptron.composition.building.trainer import build_loggers
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.settings.data_paths import with_absolute_paths
from perceptron.composition.settings.monitors import directions
from perceptron.files.plain_values import write_json
from perceptron.files.writing import write_text
from perceptron.population import Member, PopulationFit
from perceptron.runs.checkpoints.best_checkpoint import best_entry
from perceptron.runs.checkpoints.metadata import StoredMetadata
from perceptron.runs.epoch_history import by_metric
from perceptron.runs.failures import explained_failures
from perceptron.runs.folder import monitored_value
from perceptron.runs.folder_lock import folder_lock
from perceptron.runs.loggers import create_log_files, log_results, log_scalars, remove_events
from perceptron.runs.plain_yaml import as_yaml
from perceptron.runs.results_table import print_results, run_title
from perceptron.runs.trackers import finished_trackers
from perceptron.runs.training_end import training_end
from perceptron.terminal.log_entries import collected
from perceptron.training.divergence import divergence_advice
from perceptron.training.hyper_parameters import hyper_parameters
from perceptron.training.result_files import report_lines, row_counts, write_results


def write_run(job: ComposedJob, member: Member, fit: PopulationFit) -> float | None:
    """Write configuration, checkpoints, logs and results.

    Args:
        job: composed.
        member: trained.
        fit: that trained it.

    Returns:
        The best value of the monitored metric.

    Raises:
        UsageError: if the member has failed, after writing what it left until then.
        PrunedError: if it was pruned, likewise.
    """
    explained = explained_failures(job.folder, settings=divergence_advice(job.config))
    with folder_lock(job.folder), explained, finished_trackers():
        return _write(job, member, fit)


def _write(job: ComposedJob, member: Member, fit: PopulationFit) -> float | None:
    config, folder = with_absolute_paths(dict(job.config)), job.folder
    write_text(folder / "config.yaml", as_yaml(config), sync_folder=False)
    if member.datamodule.report is not None:
        write_json(folder / "data_report.json", member.datamodule.report, sync_folder=False)
    extra: dict[str, Any] = {}
    StoredMetadata(config=config, schema=member.datamodule.schema).add_to(extra)
    cohort, position = fit.population.place(member)
    cohort.kept.write(position, type(cohort.optimizer), extra)
    member.loggers = loggers = build_loggers(config["logger"])
    remove_events(loggers)
    for epoch in member.history:
        logged = [{**metrics, "epoch": epoch.number} for metrics in (epoch.val, epoch.train) if metrics]
        for logger in loggers:
            log_scalars(logger, *logged, step=epoch.step)
    if member.failure is not None:
        for logger in loggers:
            create_log_files(logger)
            logger.finalize("failed")
        raise member.failure
    metrics = member.metrics if config["test"] else {}
    tested = {name: value for name, value in metrics.items() if name.startswith("test/")}
    for logger in loggers if tested else []:
        log_scalars(logger, {**tested, "epoch": len(member.history)}, step=member.steps)
    monitor = config["monitor"]
    best = best_entry(folder, config, metrics=metrics, rule=member.rule, last=member.last_value(monitor))
    settings = hyper_parameters(config, job.choices)
    log_results(loggers, hyper_parameters=settings, metrics=metrics, step=member.steps, best=best)
    reported = cohort.kept.reported(position)
    end = training_end(
        epochs=len(member.history),
        max_epochs=config["trainer"]["max_epochs"],
        stopped_early=any(rule.stopped_epoch > 0 for rule in member.early_stopping),
        kept_epoch=None if reported is None else reported.epoch(position),
    )
    title, notes = run_title(job.choices, epochs=len(member.history)), report_lines(member.datamodule, end)
    with collected("perceptron.runs") as results:
        print_results(metrics, title=title, folder=folder, notes=notes, quiet=True)
    job.log(results)
    write_results(
        folder,
        metrics=metrics,
        config=config,
        chosen=job.choices,
        directions=directions(config, metrics),
        best=best,
        end=end,
        history=by_metric((epoch.number, {**epoch.val, **epoch.train}) for epoch in member.history),
        device=fit.device,
        started=fit.started,
        seconds=fit.seconds,
        rows=row_counts(member.datamodule),
    )
    return monitored_value(best, metrics=metrics, monitor=monitor)
