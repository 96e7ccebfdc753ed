import pytest

from perceptron.sweeps.setting_names import job_name, shown_setting


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.012345678901", "0.01235"),
        ("0.12345", "0.1235"),
        ("1.0", "1"),
        ("123456", "123456"),
        ("1.5e-07", "1.5e-07"),
        ("[0.123456, 2]", "[0.1235, 2]"),
        ("optimizer.lr=0.123456", "optimizer.lr=0.1235"),
        ("data.path=a/0.123456.csv", "data.path=a/0.123456.csv"),
        ("logistic", "logistic"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_fractions_in_settings_have_four_digits(value: str, shown: str) -> None:
    assert shown_setting(value) == shown


@pytest.mark.parametrize(
    ("overrides", "of_sweep", "name"),
    [
        (["optimizer.lr=0.1", "seed=2"], ["optimizer.lr=0.1,0.2", "seed=1,2"], "lr=0.1,seed=2"),
        (["data=wine", "seed=2", "tags=[a,b]"], ["data=wine", "seed=1,2", "tags=[a, b]"], "seed=2"),
        (["optimizer.lr=0.1", "own.lr=2"], [], "optimizer.lr=0.1,own.lr=2"),
        (["optimizer.lr=0.012345678"], ["optimizer.lr=interval(0,1)"], "lr=0.01235"),
        (["model.network.hidden=[64,32]"], [], "hidden=[64,32]"),
        (["seed=1", "paths.output_dir=/x", "+callbacks.pruning.metric=y"], [], "seed=1"),
        (["data.path='../my file.csv'"], [], "path=.._my_file.csv"),
        (["data.path=C:\\data\\a.csv"], [], "path=C_data_a.csv"),
        (["task_name=\x1b[31mx", "tags=<|?*>"], [], "task_name=_[31mx,tags=_"),
        (["extras.name=größe"], [], "name=gr_e"),
        (["data.time=a."], [], "time=a"),
        (["seed=3"], ["seed=3"], ""),
        ([], ["seed=3"], ""),
    ],
)
def test_a_job_is_named_by_what_its_sweep_varies(overrides: list[str], of_sweep: list[str], name: str) -> None:
    assert job_name(overrides, of_sweep=of_sweep) == name


def test_the_name_of_a_job_has_a_limit() -> None:
    long = job_name([f"data.path=/{'folder/' * 20}rows.csv", "optimizer.lr=0.1", "seed=12"], of_sweep=[])
    assert len(long) == 80
    assert long.startswith("path=_folder_")
    assert long.endswith("_folder_rows.csv,lr=0.1,seed=12")
    name = job_name([f"own.setting_{i}={i / 7}" for i in range(50)], of_sweep=[])
    assert name == "setting_0=0,setting_1=0.1429,setting_2=0.2857,setting_3=0.4286,setting_4=0.5714"
