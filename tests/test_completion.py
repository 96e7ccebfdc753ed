import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Perceptron


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("perceptron ", "train resume evaluate"),
        ("perceptron ev", "evaluate"),
        ("perceptron evaluate ", "run="),
        ("perceptron evaluate ru", "run="),
        ("perceptron train mod", "model="),
        ("perceptron train model=digits_mlp optimizer=ad", "optimizer=adam"),
    ],
)
def test_what_may_follow(perceptron: Perceptron, monkeypatch: pytest.MonkeyPatch, line: str, offered: str) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    answer = perceptron("-sc", "query=bash")
    assert (answer.status, answer.err) == (0, "")
    assert offered in answer.out


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_what_was_typed(tmp_path: Path) -> None:
    program = tmp_path / "perceptron"
    program.write_text(f"#!{sys.executable}\nfrom perceptron.__main__ import main\n\nmain()\n", encoding="utf-8")
    program.chmod(0o755)
    script = f"""
PATH="{tmp_path}:$PATH"
eval "$(perceptron train -sc install=bash)"
complete -p perceptron
COMP_WORDS=(perceptron train model=digits) COMP_CWORD=2 COMP_LINE="perceptron train model=digits" COMP_POINT=29
hydra_bash_completion
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert "-F hydra_bash_completion" in done.stdout, done.stderr
    assert "model=digits_mlp" in done.stdout.splitlines()[-1]
