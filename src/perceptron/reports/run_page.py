"""The report of a run, from the files in its folder."""

from collections.abc import Mapping
from typing import Any

from perceptron.errors import UsageError
from perceptron.invocation import for_shell
from perceptron.reports.data_section import data_section
from perceptron.reports.html import Section, heading, images_in, named_values, page, paragraph, table
from perceptron.runs.folder import Run
from perceptron.runs.metric_display import HOW_TO_READ, metric_table, other_metrics, undefined_notes
from perceptron.runs.training_end import training_end_text

FIGURE_ORDER = (
    "curves", "confusion", "discrimination", "calibration", "probabilities", "mistakes", "residuals", "coefficients",
    "weights", "decision_boundary", "loss_surface", "descent",
)  # fmt: skip
_SPLITS = {"train": "training", "val": "validation", "test": "test"}


def run_page(run: Run) -> str:
    """HTML of a run: results, figures, data, settings and provenance.

    Raises:
        UsageError: if the folder has no settings of a run.
    """
    config = run.config
    origin = run.provenance if run.is_finished else {}
    chosen = origin.get("chosen")
    names = chosen if isinstance(chosen, Mapping) else {}
    title = f"{names.get('model', 'an ensemble' if run.is_ensemble else 'a model')} on {names.get('data', 'data')}"
    figures = images_in(run.folder / "figures", first=FIGURE_ORDER)
    report = run.data_report
    sections = [Section("Results", _results(run) + _training(origin) + _rows(origin) + paragraph(f"{HOW_TO_READ}."))]
    if not run.is_ensemble:
        sections.append(Section("Figures", figures or paragraph(_no_figures(run))))
    if report is not None:
        sections.append(Section("Data", data_section(report)))
    sections.append(Section("Settings", _changed(run) + named_values(config)))
    if not run.is_ensemble:
        written = named_values(origin) if origin else paragraph("It is stored when the run finishes.")
        sections.append(Section("Provenance", written))
    return page(title=title, summary=_summary(run, origin), sections=sections)


def metrics_html(metrics: Mapping[str, Any]) -> str:
    """The table of metrics, with a line for each reason why one is undefined.

    Args:
        metrics: values under names like ``test/acc``; None if undefined.
    """
    splits, rows = metric_table(metrics)
    html = table(["metric", *(_SPLITS[split] for split in splits)], rows) if rows else ""
    if others := other_metrics(metrics):
        html += table(["metric", "value"], others)
    return html + "".join(paragraph(f"{note}.") for note in undefined_notes(metrics))


def _results(run: Run) -> str:
    if run.is_ensemble:
        return paragraph(
            "An ensemble: type perceptron evaluate for its metrics, and perceptron predict for its spread."
        )
    if not run.is_finished:
        return paragraph("This run has not finished and has no results.", warns=True)
    metrics = run.metrics
    html = metrics_html(metrics)
    if metrics and not any(name.startswith("test") for name in metrics):
        html += paragraph(
            "No test rows were held out: these numbers do not show how the model performs on new rows.", warns=True
        )
    return html or paragraph("Nothing was evaluated: the run had test=false.")


def _no_figures(run: Run) -> str:
    """Why a run has no figures."""
    if run.is_estimator:
        return "There are none: estimators of scikit-learn have no figures."
    if not run.is_finished:
        return "They are drawn when the run finishes."
    return (
        "There are none: the run had figures=none, or was trained beside others without figures=end. "
        f"perceptron figures {for_shell('run', run.folder)} draws them."
    )


def _training(origin: Mapping[str, Any]) -> str:
    """How the training ended; empty if the run did not train or did not store it."""
    end = origin.get("training")
    if not isinstance(end, Mapping):
        return ""
    try:
        return paragraph(f"Training {training_end_text(end)}.", warns=bool(end["still_improving"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"a run's provenance.json must say how its training ended, got {error!r}") from error


def _rows(origin: Mapping[str, Any]) -> str:
    """Numbers of rows; empty if the run did not store them."""
    rows = origin.get("rows")
    if not isinstance(rows, Mapping):
        return ""
    counts = ", ".join(f"{rows[split]} {name}" for split, name in _SPLITS.items() if split in rows)
    return paragraph(f"Rows: {counts}.")


def _changed(run: Run) -> str:
    """What the command line changed; nothing if it is not known, or came with an older version."""
    try:
        overrides = run.overrides
    except UsageError:
        return ""
    typed = [text for text in overrides if not text.startswith("paths.")]
    if not typed:
        return paragraph("All settings are the defaults.")
    return heading("Changed on the command line") + table([""], [[text] for text in typed]) + heading("All settings")


def _summary(run: Run, origin: Mapping[str, Any]) -> str:
    if run.is_ensemble:
        return f"Made of other runs, in {run.folder}."
    if not origin:
        return f"A run in {run.folder}."
    try:
        started = f"Started {origin['started']}, took {float(origin['seconds']):.1f} s on {origin['device']}"
        best = origin.get("best") or {}
        chosen = f"; the weights are those with the best {best['monitor']}" if best.get("checkpoint") else ""
        return f"{started}{chosen}."
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"a run's provenance.json must say when and where it ran, got none: {error}") from error
