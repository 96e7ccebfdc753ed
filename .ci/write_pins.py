"""Write the versions in .venv to constraints.txt, for pip, and to pyproject.toml, for uv: ``make pins``."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
_HEAD = (
    "# The exact versions that were tested together. torch's own requirements differ by platform and are left to it.\n"
)
_LIST = re.compile(r"(?<=^constraint-dependencies = \[\n).*?(?=^\]$)", re.MULTILINE | re.DOTALL)
# The project itself, and what torch requires on Linux alone.
_LEFT_OUT = re.compile(r"-e |#|perceptron|cuda-|nvidia-|triton|pip==|setuptools==")


def pins(constraints: str) -> list[str]:
    """Requirements in a file of constraints."""
    return [line for line in constraints.splitlines() if line and not line.startswith("#")]


def with_pins(project: str, requirements: list[str]) -> str:
    """The text of pyproject.toml with these requirements as uv's constraints."""
    lines = "".join(f'    "{requirement}",\n' for requirement in requirements)
    return _LIST.sub(lambda _: lines, project, count=1)


if __name__ == "__main__":
    command = [ROOT / ".venv/bin/python", "-m", "pip", "freeze"]
    frozen = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S603
    kept = [re.sub(r"\+\w+$", "", line) for line in frozen if not _LEFT_OUT.match(line)]
    (ROOT / "constraints.txt").write_text(_HEAD + "\n".join(kept) + "\n", encoding="utf-8")
    project = ROOT / "pyproject.toml"
    project.write_text(with_pins(project.read_text(encoding="utf-8"), kept), encoding="utf-8")
