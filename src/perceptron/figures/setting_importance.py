"""The share of a score's variance that each setting explains, by Optuna's fANOVA (Hutter et al. 2014)."""

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

# With fewer the result is chance: it depends on the splits of fANOVA's random forest.
FEWEST_RUNS = 10
# Numbers whose ratio is larger are put on a logarithmic scale, such as learning rates.
_WIDE = 50.0


def importance(settings: Sequence[Mapping[str, str]], scores: Sequence[float]) -> dict[str, float]:
    """Share of the variance that each setting explains.

    Args:
        settings: values of each run as texts, by name. A setting that some runs lack is left out.
        scores: of the runs; runs with a NaN are left out.

    Returns:
        Shares that sum to 1. Empty without Optuna, with fewer than ``FEWEST_RUNS`` runs or two settings, or if all
        scores are equal.
    """
    known = [(setting, score) for setting, score in zip(settings, scores, strict=True) if math.isfinite(score)]
    names = [name for name in (known[0][0] if known else {}) if all(setting.get(name) for setting, _ in known)]
    names = [name for name in names if len({setting[name] for setting, _ in known}) > 1]
    if find_spec("optuna") is None or len(known) < FEWEST_RUNS or len(names) < 2 or len({s for _, s in known}) < 2:
        return {}
    import optuna

    scales = {name: _scale([setting[name] for setting, _ in known]) for name in names}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    for setting, score in known:
        parameters: dict[str, Any] = {
            name: setting[name] if isinstance(scales[name], optuna.distributions.CategoricalDistribution)
            else float(setting[name]) for name in names
        }  # fmt: skip
        study.add_trial(optuna.trial.create_trial(params=parameters, distributions=scales, value=score))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator, params=names))


def _scale(values: Sequence[str]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return CategoricalDistribution(sorted(set(values)))
    low, high = min(numbers), max(numbers)
    return FloatDistribution(low, high, log=low > 0 and high > _WIDE * low)
