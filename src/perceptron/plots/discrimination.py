"""Discrimination: how well a probability separates a class from the others at any threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from perceptron.plots.arrays import Floats, Labels
from perceptron.plots.style import GREY, colour_and_line, panels, shown

_MOST_CURVES = 10


@dataclass(frozen=True, kw_only=True)
class Discrimination:
    """The curves of one class against the others.

    Attributes:
        label: number of the class.
        false_positive_rate: of the ROC curve, ascending.
        true_positive_rate: of the ROC curve.
        roc_area: area under the ROC curve, by the trapezoidal rule.
        recall: of the precision-recall curve, descending.
        precision: of the precision-recall curve.
        average_precision: mean precision weighted by the steps in recall, without interpolation.
        prevalence: share of the class, which is the precision of guessing.
    """

    label: int
    false_positive_rate: Floats
    true_positive_rate: Floats
    roc_area: float
    recall: Floats
    precision: Floats
    average_precision: float
    prevalence: float


def discriminate(probabilities: Floats, target: Labels) -> list[Discrimination]:
    """Curves of each class that has rows and is not the only one; of two classes, of the second alone.

    Args:
        probabilities: ``(n_rows, n_classes)``.
        target: ``(n_rows,)`` labels.
    """
    n_classes = probabilities.shape[1]
    found = []
    for label in range(1 if n_classes == 2 else 0, n_classes):
        positive = target == label
        if positive.all() or not positive.any():
            continue
        scores = probabilities[:, label]
        false_positive_rate, true_positive_rate, _ = roc_curve(positive, scores)
        precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
        found.append(
            Discrimination(
                label=label,
                false_positive_rate=false_positive_rate,
                true_positive_rate=true_positive_rate,
                roc_area=float(auc(false_positive_rate, true_positive_rate)),
                recall=recall,
                precision=precision,
                average_precision=float(average_precision_score(positive, scores)),
                prevalence=float(positive.mean()),
            )
        )
    return found


def draw_discrimination(found: Sequence[Discrimination], class_names: Sequence[str], *, rows: str) -> Figure:
    """Draw the ROC curve beside the precision-recall curve; of many classes, of the ten that are hardest to separate.

    Args:
        found: from ``discriminate``, at least one.
        class_names: in the order of the labels.
        rows: which rows these are, in words.
    """
    hardest = sorted(sorted(found, key=lambda one: one.roc_area)[:_MOST_CURVES], key=lambda one: one.label)
    figure, (roc, recall) = panels(2, width=3.9, height=3.8)
    roc.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    for i, one in enumerate(hardest):
        colour, line = colour_and_line(i)
        name = shown(class_names[one.label])
        roc.plot(
            one.false_positive_rate,
            one.true_positive_rate,
            color=colour,
            linestyle=line,
            label=f"{name}: {one.roc_area:.3f}",
        )
        recall.step(
            one.recall,
            one.precision,
            where="post",
            color=colour,
            linestyle=line,
            label=f"{name}: {one.average_precision:.3f}",
        )
    if len(hardest) == 1:
        recall.axhline(hardest[0].prevalence, color=GREY, linewidth=1, linestyle=":", label="a guess")
    roc.set(
        xlabel="false positive rate",
        ylabel="true positive rate",
        title=f"ROC, mean area {np.mean([one.roc_area for one in found]):.4f}",
    )
    recall.set(
        xlabel="recall",
        ylabel="precision",
        title=f"Precision-recall, mean {np.mean([one.average_precision for one in found]):.4f}",
        ylim=(-0.03, 1.03),
    )
    for axes, measure in ((roc, "area"), (recall, "average precision")):
        axes.legend(title=measure, fontsize="small", title_fontsize="small", ncols=2 if len(hardest) > 6 else 1)
    few = f", {len(hardest)} hardest of {len(found)} classes" if len(hardest) < len(found) else ""
    versus = "" if len(found) == 1 else ", each class against the others"
    figure.suptitle(f"Telling classes apart on {rows}{versus}{few}")
    return figure
