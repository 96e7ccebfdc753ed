from pathlib import Path

import pytest

from perceptron.reports.html import Section, image, images_in, named_values, page, table

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 8


def test_everything_from_files_is_escaped() -> None:
    hostile = "<script>alert(1)</script>\"'&$title"
    html = page(
        title=hostile,
        summary=hostile,
        sections=[
            Section(hostile, named_values({hostile: {"b": hostile}, "list": [hostile]})),
            Section("Figures", image(hostile, PNG, ".png")),
            Section("Table", table([hostile], [[hostile]])),
        ],
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 9
    assert "\"'&$" not in html
    assert "http://" not in html
    assert "https://" not in html


def test_settings_have_flat_names() -> None:
    html = named_values({"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "seed": None, "empty": {}})
    assert "<td>optimizer.lr</td>" in html
    assert "<td>0.9, 0.99</td>" in html


def test_columns_of_numbers_stand_at_the_right() -> None:
    html = table(["name", "value"], [["a", "0.5 ± 0.1"], ["b", ""]])
    assert html.count('class="number"') == 3
    assert '<td class="number">0.5 ± 0.1</td>' in html


@pytest.mark.parametrize("kind", ["link", "no image", "folder"])
def test_a_page_carries_no_other_files_along(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)
    folder = tmp_path / "figures"
    folder.mkdir()
    if kind == "link":
        (folder / "a.png").symlink_to(secret)
    elif kind == "no image":
        (folder / "a.png").write_text("password", encoding="utf-8")
    else:
        (folder / "a.png").mkdir()
    assert images_in(folder) == ""
    (folder / "b.png").write_bytes(PNG)
    assert images_in(folder).count("<img") == 1


def test_vectors_come_before_pixels_and_in_the_order_asked_for(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "b.svg", "c.png"):
        (tmp_path / name).write_bytes(PNG if name.endswith("png") else b"<?xml version='1.0'?><svg/>")
    html = images_in(tmp_path, first=("c", "missing", "b"))
    assert [part.split('"')[0] for part in html.split('alt="')[1:]] == ["c", "b", "a"]
    assert html.count("image/svg+xml") == 1
    assert images_in(tmp_path / "none") == ""
