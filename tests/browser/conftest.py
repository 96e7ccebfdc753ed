import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def sweep(tmp_path_factory, root: Path) -> Path:
    """Folder of a finished sweep of four jobs over two optimizers."""
    logs = tmp_path_factory.mktemp("logs")
    command = [sys.executable, "train.py", "-m", "optimizer=sgd,adam", "optimizer.lr=0.01,0.1", "trainer.max_epochs=3"]
    subprocess.run([*command, f"paths.log_dir={logs}"], cwd=root, check=True, capture_output=True)
    (folder,) = (logs / "train/multiruns").iterdir()
    return folder


@pytest.fixture
def hostile_run(tmp_path: Path) -> Path:
    """A run's folder made by somebody who means harm."""
    attack = "<img src=x onerror=alert(1)><script>document.title='run'</script>"
    folder = tmp_path / "run"
    (folder / "figures").mkdir(parents=True)
    (folder / "config.yaml").write_text(
        yaml.safe_dump({"monitor": attack, "model": {attack: attack}}), encoding="utf-8"
    )
    column = dict.fromkeys(("name", "kind", "type", "missing", "distinct"), attack)
    report = {"rows": attack, "columns": [column, attack], "splits": {attack: attack}, "warnings": [attack]}
    report["target"] = {"task": attack, "classes": {attack: attack}, "columns": {attack: attack}}
    (folder / "data_report.json").write_text(json.dumps(report), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps({f"test/{attack}": 0.5}), encoding="utf-8")
    origin = {"chosen": {"model": attack, "data": attack}, "started": attack, "seconds": 1, "device": attack}
    (folder / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
    (folder / "figures/curves.svg").write_text(
        "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' onload='alert(1)'>"
        "<script>alert(1)</script><image href='http://127.0.0.1:1/x.png' width='9' height='9'/></svg>",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def chromium():
    """A real browser with an empty profile; closed at the end."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs a Chromium of the system's packages: apt-get install chromium")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def screenshots() -> Path | None:
    """Where to put screenshots for people to look at; none unless SCREENSHOTS names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    return Path(folder) if folder else None


@pytest.fixture(scope="session")
def dashboard(sweep: Path) -> Iterator[str]:
    """Address of ``perceptron dashboard`` on the sweep."""
    command = [sys.executable, "-m", "perceptron", "dashboard", f"logs={sweep}", "port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            address = None
            for line in process.stdout:
                found = re.search(r"at (http://\S+/)", line)
                if found:
                    address = found[1]
                    break
            assert address is not None, "TensorBoard said no address"
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)
