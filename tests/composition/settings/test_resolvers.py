from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from omegaconf import OmegaConf

from perceptron.composition.settings.resolvers import register_resolvers


def _resolved(text: str):
    register_resolvers()
    return OmegaConf.create({"value": text}).value


def test_folders_wanted_at_once_get_names_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: _resolved(f"${{own_folder:{tmp_path}/run}}"), range(8)))
    assert sorted(folders) == sorted(map(str, tmp_path.iterdir()))
    assert len(set(folders)) == 8


def test_a_configuration_gets_one_folder_however_often_it_asks(tmp_path: Path) -> None:
    register_resolvers()
    cfg = OmegaConf.create({"value": f"${{own_folder:{tmp_path}/run}}"})
    assert cfg.value == cfg.value
    assert len(list(tmp_path.iterdir())) == 1


def test_the_monitor_and_its_direction() -> None:
    assert _resolved("${default_monitor:0.1}") == "val/loss"
    assert _resolved("${default_monitor:0}") == "train/loss"
    assert [_resolved(f"${{direction_of:{name}}}") for name in ("val/loss", "val/acc", "val/r2")] == [
        "min",
        "max",
        "max",
    ]
    assert _resolved("${direction_of:val/skill}") is None


def test_a_part_follows_the_run_where_it_monitors_the_same() -> None:
    assert _resolved("${mode_of:val/skill,val/skill,max}") == "max"
    assert _resolved("${mode_of:val/auroc,val/loss,min}") == "max"
    assert _resolved("${mode_of:val/skill,val/loss,min}") is None
