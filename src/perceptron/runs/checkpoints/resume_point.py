"""The checkpoint that a run is resumed from: which one, whether it allows exact resume, and the files that it names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perceptron.errors import UsageError
from perceptron.files.containment import is_home_or_url, is_inside
from perceptron.runs.checkpoints.checkpoint_file import AtomicCheckpointIO, read_checkpoint
from perceptron.runs.checkpoints.structure import check_resumable
from perceptron.runs.folder import Run

KEY = "resume"
# Where in its training a checkpoint was written; only the first two allow exact resume.
EPOCH_END, BETWEEN_STEPS, NOT_EXACT = "epoch_end", "between_steps", "not_exact"


def resume_point(run: Run) -> Path | None:
    """The checkpoint with the most steps that allows exact resume; None if the run must start again.

    Raises:
        UsageError: if a checkpoint is damaged.
    """
    others = [path for path in run.checkpoint().parent.glob("*.ckpt") if path != run.checkpoint("last")]
    newest = sorted(others, key=lambda path: path.stat().st_mtime_ns)[-1:]
    steps = {}
    # On a tie last.ckpt loses: that of a finished run holds the end of its training, which a longer run does not have.
    for path in (*newest, run.checkpoint("last")):
        if path.is_file():
            contents = read_checkpoint(path)
            if _is_exact(contents):
                check_resumable(contents, where=str(path))
                steps[path] = int(contents["global_step"])
    return max(steps, key=lambda path: steps[path]) if steps else None


def check_point(checkpoint: Mapping[str, Any], *, max_epochs: int | None, where: str) -> None:
    """Refuse a checkpoint that does not allow exact resume, or lies beyond the end of training.

    Args:
        checkpoint: its contents.
        max_epochs: of the training; None or -1 for no limit.
        where: its path, for messages.

    Raises:
        UsageError: in either case.
    """
    if not _is_exact(checkpoint):
        raise UsageError(
            f"a run resumes from a checkpoint between two steps or at an epoch's end, got {where}; name another, such "
            "as last.ckpt"
        )
    check_resumable(checkpoint, where=where)
    epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    if max_epochs is not None and 0 <= max_epochs < epochs:
        raise UsageError(
            f"trainer.max_epochs counts from the start, got {max_epochs} for a checkpoint of {epochs} completed "
            f"epochs; set trainer.max_epochs above {epochs}"
        )


def check_best_paths(checkpoint: Mapping[str, Any], folder: Path, *, where: str) -> None:
    """Refuse a checkpoint whose best checkpoints lie outside the run's folder: training replaces and deletes them.

    Args:
        checkpoint: its contents.
        folder: of the run that resumes from it.
        where: its path, for messages.

    Raises:
        UsageError: for the first that is not a ``.ckpt`` in the folder's ``checkpoints``.
    """
    for name, state in checkpoint.get("callbacks", {}).items():
        if name.startswith("ModelCheckpoint"):
            own = {**state, "best_k_models": dict(state["best_k_models"])}
            relocate_best(own, folder / "checkpoints", within=folder, where=where)


def relocate_best(state: dict[str, Any], folder: Path, *, within: Path, where: str) -> None:
    """Change the paths of best checkpoints to where they are kept now; Lightning discards them if a run was moved.

    Args:
        state: of a ModelCheckpoint, changed in place.
        folder: where it keeps its checkpoints now.
        within: the folder that must contain them.
        where: the path of the checkpoint that holds the state, for messages.

    Raises:
        UsageError: for the first path outside.
    """
    old, new = str(state.get("dirpath")), str(folder)

    def moved(path: str) -> str:
        return new + path[len(old) :] if path.startswith(old) else path

    state["dirpath"] = new
    for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
        state[key] = moved(state[key])
    state["best_k_models"] = {moved(path): score for path, score in state["best_k_models"].items()}
    named = [state[key] for key in ("best_model_path", "kth_best_model_path", "last_model_path")]
    for path in filter(None, [*named, *state["best_k_models"]]):
        # Only its folder is resolved: if the file itself is a link, it is replaced and not followed.
        if not (path.endswith(".ckpt") and is_inside(Path(path).parent, within) and not is_home_or_url(path)):
            raise UsageError(
                f"a checkpoint must name its best checkpoints in the run's own folder, got {path} in {where}; "
                "name another checkpoint, or train anew"
            )


def copy_best(state: Mapping[str, Any], folder: Path) -> None:
    """Copy the best checkpoints from another run's folder, in case this run finds none better.

    Args:
        state: of a ModelCheckpoint, with the paths of the copies.
        folder: of the originals.
    """
    for path in {state["best_model_path"], *state["best_k_models"]}:
        original = folder / Path(path).name
        if path and not Path(path).exists() and original.is_file():
            AtomicCheckpointIO().save_checkpoint(read_checkpoint(original), path)


def _is_exact(checkpoint: Mapping[str, Any]) -> bool:
    return bool(checkpoint.get(KEY, {}).get("position", NOT_EXACT) != NOT_EXACT)
