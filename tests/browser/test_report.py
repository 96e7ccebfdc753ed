"""The report in a real browser."""

from pathlib import Path

import pytest
from tests.conftest import train_in

from perceptron.commands.report import main

pytestmark = pytest.mark.browser


@pytest.fixture
def looked_at(chromium, screenshots: Path | None):
    """Open a file and keep what its console says, what it asks the network for and its dialogs."""
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))

    def look(file: Path, name: str):
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")
        if screenshots is not None:
            page.screenshot(path=screenshots / f"{name}.png", full_page=True)
            page.screenshot(path=screenshots / f"{name}_top.png")
            page.pdf(path=screenshots / f"{name}.pdf")
        return page, told, [url for url in asked if not url.startswith("data:")]

    yield look
    page.close()


def _headings(page) -> list[str]:
    return page.locator("h2").all_inner_texts()


def test_a_run(sweep: Path, tmp_path: Path, looked_at) -> None:
    out = tmp_path / "report.html"
    main([f"run={sweep / '0'}", f"output={out}"])
    page, told, asked = looked_at(out, "report_run")
    assert _headings(page) == ["Results", "Figures", "Settings", "Provenance"]
    assert told == []
    assert asked == [out.as_uri()]
    assert page.title() == "logistic on breast_cancer"
    images = page.locator("figure img")
    assert images.count() == 8
    assert images.evaluate_all("all => all.every(image => image.complete && image.naturalWidth > 100)")
    results = page.locator("#results table").inner_text()
    assert "acc" in results
    # Among those that were typed, and among all.
    assert page.locator("#settings td", has_text="optimizer.lr").count() == 2
    assert page.locator("#provenance td", has_text="versions.torch").count() >= 1
    # Nothing sticks out at the side of a narrow window.
    page.set_viewport_size({"width": 420, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_a_table_of_ones_own(tmp_path: Path, looked_at) -> None:
    rows = [f"{i},{i % 7}.5,{'abc'[i % 3]},{'pq'[i % 10 == 0]}" for i in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["number,size,kind,label", *rows]) + "\n", encoding="utf-8")
    run = train_in(
        tmp_path / "run", "data=table", f"data.path={tmp_path / 't.csv'}", "data.target=label", "trainer.max_epochs=2",
        "logger=none",
    )  # fmt: skip
    main([f"run={run}"])
    page, told, _ = looked_at(run / "report.html", "report_table")
    assert _headings(page) == ["Results", "Figures", "Data", "Settings", "Provenance"]
    assert told == []
    data = page.locator("#data")
    assert data.locator(".warns").count() == 1
    assert "200 rows: 130 for training, 30 for validation, 40 for the test." in data.inner_text()
    assert data.locator("h3").all_inner_texts() == ["Target: binary", "Columns"]
    assert "number number int64 0 200" in " ".join(data.locator("table").nth(1).inner_text().split())
    assert "180" in data.locator("table").nth(0).inner_text()


def test_a_sweep(sweep: Path, tmp_path: Path, looked_at) -> None:
    out = tmp_path / "report.html"
    main([f"sweep={sweep}", f"output={out}"])
    page, told, asked = looked_at(out, "report_sweep")
    assert _headings(page) == ["Results", "Figures", "Jobs", "Settings", "Provenance"]
    assert told == []
    assert asked == [out.as_uri()]
    assert page.locator("#jobs tbody tr").count() == 4
    assert page.locator("#results tbody tr").count() == 4
    assert page.locator("figure img").evaluate_all("all => all.length >= 2 && all.every(i => i.naturalWidth > 100)")


def test_a_hostile_run_runs_nothing(hostile_run: Path, looked_at) -> None:
    main([f"run={hostile_run}"])
    page, told, asked = looked_at(hostile_run / "report.html", "hostile")
    page.wait_for_timeout(300)
    assert told == []
    assert len(asked) == 1
    assert page.title().startswith("<img src=x onerror")
    assert page.locator("script").count() == 0
    assert page.locator("#settings").inner_text().count("onerror") == 3
    assert page.locator("#data").inner_text().count("onerror") == 13
