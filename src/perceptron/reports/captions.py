"""What each figure shows, in a sentence or two, for the pages and for whoever reads them first."""

from collections.abc import Mapping

# By the name of a figure's file; those of several targets or data sets have a suffix.
CAPTIONS: Mapping[str, str] = {
    "curves": "Loss and metrics of each epoch: on validation rows at its end, on training rows as its steps found "
    "them, with weights that were still changing. Where the validation loss rises while the training loss falls, the "
    "model overfits; the dotted line marks the epoch whose weights were kept.",
    "confusion": "How many rows of each true class got each label. Everything off the diagonal is a mistake.",
    "discrimination": "How well the probability separates the classes at any threshold: the closer to the corners at "
    "the top, the better. The dotted line is a guess.",
    "calibration": "Whether 80 % means 80 %: in a calibrated model every dot lies on the diagonal. The bars are 95 % "
    "intervals; a bin of few rows says little.",
    "probabilities": "The predicted probabilities by true class. The less the classes overlap, the surer the model.",
    "mistakes": "The wrong predictions of which the model was surest. Look for wrong labels and unusual rows.",
    "residuals": "Predicted against true values, and what is left over. A pattern in the residuals is something that "
    "the model has not learnt.",
    "coefficients": "The weight of each standardised feature in the linear model: its sign, and its size relative to "
    "the others.",
    "weights": "What each unit of the first layer looks for in an image: orange pixels raise its value, blue ones "
    "lower it.",
    "decision_boundary": "Where the predicted class changes, at several times of the training.",
    "loss_surface": "The loss around the trained weights, and the path of the training on it.",
    "descent": "Each step of gradient descent on the parabola.",
    "intervals": "The mean of each setting with its 95 % interval, and a dot for each run. Settings whose intervals "
    "overlap may still differ: the paired test in the table decides.",
    "learning_rate": "The score over the learning rate. A best value at an edge asks for a wider range.",
    "importance": "How much of the differences between runs each setting explains.",
}


def caption(name: str) -> str:
    """The caption of a figure; empty for one that is not the project's.

    Args:
        name: of its file, without the suffix.
    """
    known = [start for start in CAPTIONS if name == start or name.startswith(f"{start}_")]
    return CAPTIONS[max(known, key=len)] if known else ""
