"""TensorBoard in a real browser, on a real sweep."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser
WAIT_MS = 60_000
NAMES = [f"optimizer={optimizer},lr={rate}" for optimizer in ("sgd", "adam") for rate in (0.01, 0.1)]


@pytest.fixture
def open_tab(chromium, dashboard: str, screenshots: Path | None):
    """Open a tab of TensorBoard by its name in the address; requests to elsewhere are refused and kept."""
    page = chromium.new_page(viewport={"width": 1500, "height": 950})

    def only_here(route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            route.abort()

    page.route("**/*", only_here)

    def open_it(name: str):
        page.goto(f"{dashboard}#{name}")
        page.wait_for_load_state("networkidle")
        return page

    yield open_it
    if screenshots is not None:
        page.screenshot(path=screenshots / f"tensorboard_{urlsplit(page.url).fragment.partition('&')[0]}.png")
    page.close()


def test_it_listens_on_the_loopback_address_alone(dashboard: str) -> None:
    assert urlsplit(dashboard).hostname == "127.0.0.1"


def test_the_curves_of_every_run(open_tab) -> None:
    page = open_tab("timeseries")
    # Cards below the window are not made before they are scrolled to.
    page.get_by_role("combobox", name="Filter tags (regex)").fill("^(train|val)/(loss|acc)$")
    # Away with the suggestions, which have the same words.
    page.keyboard.press("Escape")
    page.get_by_role("listbox").wait_for(state="hidden")
    page.locator("card-view", has_text="train/loss").first.wait_for(timeout=WAIT_MS)
    for job, name in enumerate(NAMES):
        page.get_by_text(f"{job}/tensorboard/{name}", exact=True).first.wait_for(timeout=WAIT_MS)
    card = page.locator("card-view", has_text="val/acc").first
    card.wait_for(timeout=WAIT_MS)
    # A row of numbers for each job that is drawn.
    card.get_by_text(f"1/tensorboard/{NAMES[1]}").first.wait_for(timeout=WAIT_MS)


def test_images_of_runs_and_of_the_sweep(open_tab) -> None:
    page = open_tab("images")
    page.get_by_text("figures/", exact=False).first.wait_for(timeout=WAIT_MS)
    shown = page.wait_for_function(
        """() => {
            const all = root => [...root.querySelectorAll('*')].flatMap(
                node => [node, ...(node.shadowRoot ? all(node.shadowRoot) : [])]);
            const images = all(document).filter(node => node.tagName === 'IMG' && node.naturalWidth > 200);
            return images.length >= 4 ? images.length : false;
        }""",
        timeout=WAIT_MS,
    )
    assert shown.json_value() >= 4


def test_training_and_validation_in_one_custom_chart(open_tab) -> None:
    page = open_tab("custom_scalars")
    page.get_by_text("Training and validation").first.wait_for(timeout=WAIT_MS)
    page.get_by_text("log_loss", exact=True).first.wait_for(timeout=WAIT_MS)


def test_hparams_has_every_run_with_its_settings_and_metrics(open_tab, dashboard: str, sweep: Path) -> None:
    page = open_tab("hparams")
    for job, name in enumerate(NAMES):
        page.get_by_text(f"{name} {job} {sweep.name}").first.wait_for(timeout=WAIT_MS)
    asked = page.request.post(f"{dashboard}data/plugin/hparams/experiment", data={"experimentName": ""}).json()
    columns = {info["name"]: info for info in asked["hparamInfos"]}
    # Settings of both optimizers, those that differ marked; numbers, texts and truth values as such.
    assert {"optimizer.momentum", "optimizer.eps"} <= set(columns)
    assert columns["optimizer.lr"]["type"] == "DATA_TYPE_FLOAT64"
    assert columns["optimizer.lr"]["domainInterval"] == {"minValue": 0.01, "maxValue": 0.1}
    assert sorted(columns["optimizer"]["domainDiscrete"]) == ["adam", "sgd"]
    assert columns["optimizer.nesterov"]["type"] == "DATA_TYPE_BOOL"
    assert columns["optimizer.lr"]["differs"] is True
    metrics = [info["name"]["tag"] for info in asked["metricInfos"]]
    assert {"test/acc", "test/loss", "best/val/loss"} <= set(metrics)
    question = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS"],
        "colParams": [{"metric": info["name"]} for info in asked["metricInfos"]],
        "startIndex": 0,
        "sliceSize": 100,
    }
    groups = page.request.post(f"{dashboard}data/plugin/hparams/session_groups", data=question).json()["sessionGroups"]
    assert len(groups) == 4
    for group in groups:
        # No empty column.
        assert {value["name"]["tag"] for value in group["metricValues"]} == set(metrics)
