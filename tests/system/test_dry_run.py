"""``sweep.dry_run=true``: a plan of what would run, without a trace of it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perceptron.results import sweep as sweep_in_python

Plan = Callable[..., dict[str, str]]
STRANGE = """
from pathlib import Path

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger


class Own(Callback):
    def setup(self, trainer, pl_module, stage):
        Path("written-by-callback").touch()


class Tracker(CSVLogger):
    def __init__(self):
        super().__init__("written-by-logger")
"""
SHORT = ("trainer.max_epochs=50", "figures=none", "logger=none")


@pytest.fixture
def plan(root: Path, tmp_path: Path) -> Plan:
    """The lines of a plan by their labels; the folder of the test and that of temporary files are as they were."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {
        **os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"
    }  # fmt: skip

    def files() -> list[Path]:
        # An empty folder that torch makes when it is imported.
        return sorted(path for path in tmp_path.rglob("*") if not path.name.startswith("torchinductor"))

    def run(*arguments: str) -> dict[str, str]:
        before = files()
        done = subprocess.run(
            [sys.executable, str(root / "train.py"), "-m", "sweep.dry_run=true", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            timeout=280,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert files() == before
        *lines, last = done.stdout.splitlines()
        found: dict[str, str] = {}
        for line in lines:
            label, text = line[:10].strip(), line[12:]
            found[label] = f"{found[label]}\n{text}" if label in found else text
        if not last.startswith("nothing is left"):
            assert last == "nothing was written; leave out sweep.dry_run to run it"
        return found | {"last": last}

    return run


@pytest.mark.slow
def test_a_sweep_of_single_runs(plan: Plan) -> None:
    found = plan(
        *SHORT, "model=logistic,linear", "data=diabetes", "seed=range(3)", "optimizer.lr=0.01,0.02",
        "sweep.filter=model == 'linear' and not (seed == 1 and optimizer.lr == 0.02)", "sweep.max_hours=3",
    )  # fmt: skip
    assert found["jobs"] == "5, from seed=0 optimizer.lr=0.01 to seed=2 optimizer.lr=0.02"
    assert found["left out"] == "7 of 12 combinations by sweep.filter"
    assert found["launcher"] == "basic, one job after another"
    epochs, besides, start, files = found["measured"].split(", ")
    assert re.fullmatch(r"job 0 for 3 epochs: [\d.]+ s for the last", epochs)
    assert re.fullmatch(r"[\d.]+ s besides", besides)
    assert re.fullmatch(r"[\d.]+ s to start a process", start)
    assert re.fullmatch(r"[\d.]+ KiB a job", files)
    assert re.fullmatch(r"about [\d.]+ s, and less where jobs stop early", found["time"])
    assert re.fullmatch(r"about [\d.]+ [KM]iB, and more for longer logs", found["disk"])
    assert found["limit"] == "no job is started after sweep.max_hours=3"
    assert "assumed" not in found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "said"),
    [
        (("joblib", "hydra.launcher.n_jobs=2"), "joblib, 2 at the same time"),
        (("submitit_slurm",), "submitit_slurm, up to 4 handed out at once"),
    ],
)
def test_a_sweep_of_several_jobs_at_once(plan: Plan, launcher: tuple[str, ...], said: str) -> None:
    name, *others = launcher
    found = plan(*SHORT, f"hydra/launcher={name}", *others, "model=logistic", "seed=1,2", "data.batch_size=8,16")
    assert found["launcher"] == said
    assert found["assumed"] == "that the 2 jobs of another model, table, batch size or optimizer are like job 0"
    assert ("the cluster decides how many run at once" in found["time"]) is (name == "submitit_slurm")


@pytest.mark.slow
def test_a_population(plan: Plan) -> None:
    found = plan(
        *SHORT, "hydra/launcher=population", "model=digits_mlp", "seed=range(8)",
        "trainer.precision=32-true,bf16-mixed", "optimizer=adam", "trainer.num_threads=2",
        "sweep.filter=trainer.precision == '32-true' or seed < 2",
    )  # fmt: skip
    assert found["jobs"] == "10, from seed=0 trainer.precision=32-true to seed=7 trainer.precision=32-true"
    assert found["launcher"] == "population, 2 processes"
    assert found["group 1"] == "8 side by side in 2 shares: jobs 0, 2, 4 to 9"
    assert found["alone"].startswith("2: 1, 3: it has trainer.precision=bf16-mixed")
    share, alone = found["measured"].splitlines()
    assert share.startswith("4 members of group 1 for 3 epochs: ")
    assert alone.startswith("job 1, alone for 3 epochs: ")
    assert re.fullmatch(r"about [\d.]+ s, and less where jobs stop early", found["time"])


@pytest.mark.slow
def test_a_search_opens_no_storage(plan: Plan, tmp_path: Path) -> None:
    found = plan(
        *SHORT, "hparams_search=optuna", "model=logistic", "hydra.sweeper.n_trials=9", "hydra.sweeper.n_jobs=4",
        f"hydra.sweeper.storage=sqlite:///{tmp_path}/search.db", "sweep.filter=optimizer.lr < 0.5",
    )  # fmt: skip
    assert found["jobs"] == "9 trials at most, 4 at a time"
    assert re.match(
        r"the first is optimizer\.lr=0\.\d+ optimizer\.weight_decay=\S+ data\.batch_size=\d+; later", found["search"]
    )
    assert found["left out"] == "what is drawn and does not meet sweep.filter; it does not count"
    assert "less where jobs stop early" in found["time"]


@pytest.mark.slow
def test_a_job_with_processes_of_its_own(plan: Plan) -> None:
    found = plan(*SHORT, "model=logistic", "trainer=ddp_sim", "trainer.max_epochs=2", "seed=1,2")
    assert found["measured"].startswith("job 0 for 2 epochs: ")


@pytest.mark.slow
def test_what_would_write_elsewhere_does_not(plan: Plan, tmp_path: Path) -> None:
    """Folders of the user's own, trackers of services and callbacks of the user's own."""
    (tmp_path / "strange_parts.py").write_text(STRANGE, encoding="utf-8")
    found = plan(
        *SHORT[:2], "model=logistic", "seed=1,2", "logger=many", "trainer.max_epochs=1",
        f"callbacks.checkpoint.dirpath={tmp_path}/checkpoints", f"logger.csv.save_dir={tmp_path}/csv",
        "+logger.own._target_=strange_parts.Tracker", "+callbacks.own._target_=strange_parts.Own",
    )  # fmt: skip
    assert found["measured"].startswith("job 0 for 1 epoch: ")


def test_what_cannot_be_estimated(plan: Plan) -> None:
    found = plan("model=sklearn_logistic", "seed=1,2")
    assert found["estimate"] == "none of time and disk, from job 0: scikit-learn fits in one go, and not by epochs"
    assert "time" not in found


@pytest.mark.slow
def test_a_job_that_fails_says_why(plan: Plan) -> None:
    found = plan(*SHORT, "model=logistic", "data=wine", "seed=1,2")
    assert found["estimate"].startswith("none of time and disk, from job 0: it fails: model=logistic needs two classes")


@pytest.mark.slow
def test_a_sweep_that_goes_on(plan: Plan, tmp_path: Path, root: Path) -> None:
    typed = ("trainer.max_epochs=1", "figures=none", "logger=none", "model=logistic", "seed=range(3)")
    folder = tmp_path / "sweep"
    subprocess.run(
        [sys.executable, str(root / "train.py"), "-m", *typed, f"hydra.sweep.dir={folder}"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
    assert plan(f"sweep.resume={folder}") == {
        "last": f"nothing is left to run: all 3 jobs in {folder} have ended; nothing was written"
    }
    (folder / "2" / "metrics.json").unlink()
    found = plan(f"sweep.resume={folder}")
    assert found["finished"] == f"2 in {folder}, which are not run again"
    assert found["measured"].startswith("job 2 for 1 epoch: ")
    found = plan(f"sweep.resume={folder}", "hydra/launcher=population")
    assert found["group 1"] == "1 side by side: job 2"
    assert "alone" not in found


def test_a_plan_is_no_result() -> None:
    with pytest.raises(Exception, match=r"got sweep.dry_run=true; use the command line for a plan"):
        sweep_in_python(["seed=1,2", "sweep.dry_run=true"])
