"""The commit of the code, found without running programs that a repository's configuration names."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# https://git-scm.com/docs/git-config: the file-system monitor, hooks, and fetching of missing objects.
_SWITCHED_OFF = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "diff.external=",
    "protocol.allow=never",
    "status.submoduleSummary=false",
)


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit of the repository that tracks a folder's files, and whether files differ from it.

    Args:
        folder: of the code.

    Returns:
        ``commit``, and ``dirty``, which is None if git cannot be asked safely. None without git, and if no repository
        tracks the folder: a virtual environment may lie inside another project's repository.
    """
    git = shutil.which("git")
    if git is None:
        return None
    # Variables could name another repository or set its configuration.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}

    def ask(*arguments: str, settings: Sequence[str] = ()) -> str | None:
        off = [part for setting in (*_SWITCHED_OFF, *settings) for part in ("-c", setting)]
        command = [git, "-C", str(folder), *off, *arguments]
        answer = subprocess.run(  # noqa: S603
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, env=environment
        )
        return answer.stdout.strip() if answer.returncode == 0 else None

    is_own = ask("ls-files", "--error-unmatch", "--", ".") is not None
    commit = ask("rev-parse", "HEAD") if is_own else None
    if commit is None:
        return None
    # Before git compares a changed file, it runs the file's filter.
    found = ask("config", "--name-only", "-z", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$") or ""
    names = [name for name in found.split("\0") if name]
    if any("=" in name or "\n" in name for name in names):
        # -c cannot disable these.
        return {"commit": commit, "dirty": None}
    filters = [f"{name}=false" if name.endswith(".required") else f"{name}=" for name in names]
    status = ask("status", "--porcelain", "--ignore-submodules=all", settings=filters)
    return {"commit": commit, "dirty": status != ""}
