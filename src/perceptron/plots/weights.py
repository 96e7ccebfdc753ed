"""The weights of a first layer as images, and the coefficients of a linear model."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron.plots.arrays import Floats
from perceptron.plots.style import BLUE, DIVERGING, GREY, ORANGE, new_figure, shown

_MOST_IMAGES = 40
_MOST_NAMED = 20


def draw_weight_images(weights: Floats, shape: tuple[int, int], unit_names: Sequence[str]) -> Figure:
    """Draw each unit's weights as an image; of many units, of those with the largest weights.

    Args:
        weights: ``(n_units, height * width)`` on standardised pixels.
        shape: height and width.
        unit_names: one for each unit.
    """
    norms = np.linalg.norm(weights, axis=1)
    units = np.sort(np.argsort(-norms, kind="stable")[:_MOST_IMAGES])
    height, width = shape
    reach = float(np.abs(weights).max()) or 1.0
    columns = 8 if len(units) > 10 else 5
    n_lines = -(-len(units) // columns)
    # One axes for all images: forty axes take a second to lay out (measured).
    sheet = np.full((n_lines * (height + 2), columns * (width + 1) - 1), np.nan)
    figure = new_figure(7.0, max(7.0 * n_lines * (height + 2) / (columns * (width + 1)) + 0.5, 2.2))
    axes = figure.add_subplot()
    for place, unit in enumerate(units):
        top, left = place // columns * (height + 2), place % columns * (width + 1)
        sheet[top + 1 : top + 1 + height, left : left + width] = weights[unit].reshape(shape)
        axes.text(
            left + width / 2 - 0.5, top - 0.1, shown(unit_names[unit]), ha="center", va="center", fontsize="small"
        )
    image = axes.imshow(sheet, cmap=DIVERGING, vmin=-reach, vmax=reach)
    axes.set_axis_off()
    figure.colorbar(image, ax=axes, label="weight of a standardised pixel", shrink=0.8)
    some = f"\n{len(units)} of {len(weights)}, those with the largest weights" if len(units) < len(weights) else ""
    figure.suptitle(f"Weights of the first layer, an image for each unit{some}")
    return figure


def draw_coefficients(
    coefficients: Floats, feature_names: Sequence[str], output_names: Sequence[str], *, units: str
) -> Figure:
    """Draw a linear model's coefficients, the largest first: as bars for one output, as a map for several.

    Args:
        coefficients: ``(n_outputs, n_features)`` on standardised features.
        feature_names: one for each feature.
        output_names: one for each output.
        units: of the coefficients.
    """
    order = np.argsort(-np.abs(coefficients).max(axis=0), kind="stable")[:_MOST_NAMED]
    names = [shown(feature_names[i]) for i in order]
    largest = coefficients[:, order]
    figure = new_figure(5.6, max(1.4 + 0.22 * len(names), 3.2))
    axes = figure.add_subplot()
    positions = range(len(names))
    if len(coefficients) == 1:
        axes.barh(positions, largest[0], color=[ORANGE if value > 0 else BLUE for value in largest[0]])
        axes.axvline(0, color=GREY, linewidth=1)
        axes.invert_yaxis()
        axes.set(xlabel=f"coefficient of the standardised feature [{units}]")
        axes.set_title(f"Coefficients for {shown(output_names[0])}")
    else:
        reach = float(np.abs(largest).max()) or 1.0
        image = axes.imshow(largest.T, cmap=DIVERGING, vmin=-reach, vmax=reach, aspect="auto")
        axes.set_xticks(range(len(output_names)), [shown(name) for name in output_names], rotation=30, ha="right")
        figure.colorbar(image, ax=axes, label=f"coefficient [{units}]")
        axes.set(xlabel="output", title="Coefficients of standardised features")
    axes.set_yticks(positions, names)
    axes.set_ylabel("feature" if len(names) == len(feature_names) else f"{len(names)} of {len(feature_names)} features")
    return figure
