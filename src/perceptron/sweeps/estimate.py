"""What a sweep will take, from what was measured of its first job or group. Imports nothing heavy."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A job, or a group of jobs, that was trained for a few epochs.

    Attributes:
        epoch_seconds: of its last epoch, which no first call slows down.
        n_epochs: that it was trained for.
        other_seconds: that it took besides: reading, evaluating, drawing and writing.
        job_bytes: of the files of one job; NaN if they were not written.
        start_seconds: that a process takes to import what its first job needs.
    """

    epoch_seconds: float
    n_epochs: int
    other_seconds: float
    job_bytes: float
    start_seconds: float = 0.0

    def seconds(self, max_epochs: int) -> float:
        """How long it takes if it does not stop before its last epoch."""
        return self.other_seconds + self.epoch_seconds * max_epochs


def duration(seconds: float) -> str:
    """A duration of a sweep in words, in the unit in which it has one or two digits before the point."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def size(n_bytes: float) -> str:
    """A size on the disk in words."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.3g} TiB"
