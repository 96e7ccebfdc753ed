"""A self-contained HTML page. All text from files is escaped."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from perceptron.reports.captions import caption
from perceptron.terminal.text import DASH, visible

# The browser loads nothing and runs nothing, even if a text were not escaped.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 0 auto; padding: 1rem 1.5rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.2rem; border-bottom: 1px solid #bbb; margin-top: 2rem; }
h3 { font-size: 1rem; }
nav a { margin-right: 1rem; }
a { color: #0072B2; }
.scrolls { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.5rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.15rem 0.8rem 0.15rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.number, th.number { text-align: right; }
td { overflow-wrap: anywhere; }
td.long { min-width: 14rem; }
.figures { display: flex; flex-wrap: wrap; align-items: center; gap: 1.5rem; }
figure { margin: 0; break-inside: avoid; max-width: 100%; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: 0.9rem; color: #444; max-width: 34rem; }
.warns { background: #fff3d6; border-left: 4px solid #E69F00; padding: 0.4rem 0.8rem; }
@media print {
  body { font-size: 10pt; max-width: none; padding: 0; }
  nav { display: none; }
  figure img { max-height: 9cm; width: auto; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
}
</style>
</head>
<body>
<h1>$title</h1>
<p>$summary</p>
<nav>$contents</nav>
$sections
</body>
</html>
""")

_LONG = 24
_MOST_BYTES = 20 * 2**20
_SIGNATURES = {".png": (b"\x89PNG\r\n\x1a\n",), ".svg": (b"<?xml", b"<svg")}
_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes:
        name: the heading, as plain text.
        html: the contents, with texts already escaped.
    """

    name: str
    html: str


def page(*, title: str, summary: str, sections: Sequence[Section]) -> str:
    """The whole page.

    Args:
        title: plain text.
        summary: a sentence below the title, as plain text.
        sections: in order.
    """
    parts = [
        f'<section id="{_anchor(section)}"><h2>{_text(section.name)}</h2>\n{section.html}</section>'
        for section in sections
    ]
    links = [f'<a href="#{_anchor(section)}">{_text(section.name)}</a>' for section in sections]
    return _PAGE.substitute(
        policy=escape(_POLICY),
        title=_text(title),
        summary=_text(summary),
        contents="".join(links),
        sections="\n".join(parts),
    )


def paragraph(text: str, *, warns: bool = False) -> str:
    """A plain text as a paragraph."""
    opening = '<p class="warns">' if warns else "<p>"
    return f"{opening}{_text(text)}</p>"


def heading(text: str) -> str:
    """A plain text as a heading within a section."""
    return f"<h3>{_text(text)}</h3>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts. Numbers, and dashes among them, are right-aligned; long texts get a minimum width."""
    rows = [list(row) for row in rows]
    numeric = [all(_is_number(row[i]) for row in rows if row[i] not in ("", DASH)) for i in range(len(header))]
    long = [any(len(row[i]) > _LONG for row in rows) for i in range(len(header))]

    def cells(values: Sequence[str], tag: str) -> str:
        kinds = (
            ' class="number"' if is_number else ' class="long"' if is_long and tag == "td" else ""
            for is_number, is_long in zip(numeric, long, strict=True)
        )
        return "".join(f"<{tag}{kind}>{_text(value)}</{tag}>" for value, kind in zip(values, kinds, strict=True))

    body = "\n".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    head = f"<thead><tr>{cells(header, 'th')}</tr></thead>\n" if any(header) else ""
    return f'<div class="scrolls"><table>{head}<tbody>{body}</tbody></table></div>'


def named_values(values: Mapping[str, Any]) -> str:
    """Nested values as a table with names like ``optimizer.lr``."""
    return table(["name", "value"], [(name, text) for name, text in flat(values).items()])


def flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Nested values as texts under names like ``optimizer.lr``."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= {f"{name}.{key}": text for key, text in flat(value).items()}
        elif isinstance(value, list | tuple):
            found[str(name)] = ", ".join(str(item) for item in value)
        else:
            found[str(name)] = "" if value is None else str(value)
    return found


def image(name: str, contents: bytes, kind: str, *, below: str = "") -> str:
    """A figure embedded as an image, in which no script of an SVG file runs.

    Args:
        name: alternative text, as plain text.
        contents: of the file.
        kind: ``.png`` or ``.svg``.
        below: stands below it, as plain text; empty for none.
    """
    encoded = base64.b64encode(contents).decode()
    caption_html = f"<figcaption>{_text(below)}</figcaption>" if below else ""
    return f'<figure><img src="data:{_TYPES[kind]};base64,{encoded}" alt="{_text(name)}">{caption_html}</figure>'


def images_in(folder: Path, *, first: Sequence[str] = (), only: Sequence[str] | None = None) -> str:
    """The figures in a folder, each as SVG if there is one, else as PNG; empty if the folder has none.

    Files that are not images, too large, or outside the folder (links) are left out, so that a page that is passed on
    never contains other files.

    Args:
        folder: of the figures.
        first: names that come first, in their order; the others follow by name.
        only: names that are shown; None for all.
    """
    names = sorted({path.stem for path in folder.glob("*") if path.suffix in _TYPES})
    names = [name for name in names if only is None or name in only]
    order = [name for name in first if name in names] + [name for name in names if name not in first]
    found = []
    for name in order:
        for kind in (".svg", ".png"):
            contents = _image_bytes(folder / f"{name}{kind}", folder)
            if contents is not None:
                found.append(image(name.replace("_", " "), contents, kind, below=caption(name)))
                break
    return f'<div class="figures">{"".join(found)}</div>' if found else ""


def _image_bytes(path: Path, folder: Path) -> bytes | None:
    if not path.is_file() or path.resolve().parent != folder.resolve() or path.stat().st_size > _MOST_BYTES:
        return None
    contents = path.read_bytes()
    return contents if contents.startswith(_SIGNATURES[path.suffix]) else None


def _text(raw: str) -> str:
    return escape(visible(raw))


def _is_number(text: str) -> bool:
    try:
        float(text.split(" ± ")[0].lstrip("<"))
    except ValueError:
        return False
    return True


def _anchor(section: Section) -> str:
    return _text(section.name.lower().replace(" ", "-"))
