"""Changes that a stranger, or a damaged disk, could make to a folder of runs."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import yaml

EVIL = "[/red]\x1b[2J\u202e\n=1+1 <script>"
_VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 0.5, -1.5, 1e308, float("nan"), float("inf"), 10**12, 2**70, 10**200, "", "x", "1",
    "nan", "../../outside/precious", "/", ".", EVIL, "${oc.env:HOME}", "\ud800", [], [1], ["x", None], {}, {"a": 1},
    {"_target_": "os.system", "command": "true"}, {"x": {"x": [{}]}}, [[[[]]]],
)  # fmt: skip
_TENSORS: tuple[Any, ...] = (
    torch.zeros(0), torch.zeros(2, 2), torch.tensor(1.0), torch.full((3,), float("nan")), torch.zeros(3).byte(),
    torch.zeros(10, dtype=torch.int64), torch.zeros(1, 1).expand(1000, 1000), (1, "x"),
)  # fmt: skip
_NEEDED = (
    "config.yaml", "best.ckpt", "last.ckpt", "multirun.yaml", "overrides.yaml", "provenance.json", "metrics.json",
)  # fmt: skip
# Links that may lie where a command makes something.
_MADE = (".lock", "train.log", "report.html", "figures", "tensorboard", "ensemble")
_STRUCTURED = (".yaml", ".json", ".ckpt")


def mutate(folder: Path, outside: Path, chance: random.Random) -> str:
    """Change one thing in a folder, sometimes two; says what.

    Args:
        folder: of a run or a sweep.
        outside: a folder that links may lead to, with a file ``precious``.
        chance: decides.
    """
    done = []
    for _ in range(chance.choice((1, 1, 1, 2))):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        likely = [path for path in files if path.suffix in _STRUCTURED]
        needed = [path for path in files if path.name in _NEEDED]
        path = chance.choice(needed if needed and chance.random() < 0.6 else likely + files)
        change = chance.choice((*[_swap] * 8, *[_flip] * 3, *[_cut] * 2, _link, _link, _special, _remove, _exchange))
        if change is _swap and path.suffix not in _STRUCTURED:
            change = _flip
        done.append(f"{path.relative_to(folder)}: {change(path, outside, chance)}")
    return "; ".join(done)


def _swap(path: Path, outside: Path, chance: random.Random) -> str:
    """A value of another type, a key less, or a key more, somewhere in a structure."""
    load, dump = _FORMATS[path.suffix]
    try:
        values = load(path)
    except Exception:
        return _flip(path, outside, chance)
    places = list(_places(values, ()))
    if not places:
        return _flip(path, outside, chance)
    # Deep places are many: every depth is as likely.
    deep = chance.choice(sorted({len(keys) for keys, _ in places}))
    keys, parent = chance.choice([place for place in places if len(place[0]) == deep])
    choice = chance.random()
    if choice < 0.15:
        del parent[keys[-1]]
        what = "gone"
    elif choice < 0.25 and isinstance(parent, dict):
        parent[chance.choice(("x", 1, EVIL, "_target_", "step"))] = parent.pop(keys[-1])
        what = "under another key"
    else:
        pool = _VALUES + (_TENSORS * 2 if path.suffix == ".ckpt" else ())
        other = chance.choice(places)
        # A copy: one that holds the place itself could not be written as JSON.
        parent[keys[-1]] = deepcopy(chance.choice(pool) if chance.random() < 0.85 else other[1][other[0][-1]])
        what = repr(parent[keys[-1]])[:60]
    dump(values, path)
    return f"{'.'.join(map(str, keys))[-90:]} = {what}"


def _flip(path: Path, outside: Path, chance: random.Random) -> str:  # noqa: ARG001
    contents = bytearray(path.read_bytes())
    n = chance.choice((1, 1, 3, 20))
    for _ in range(n if contents else 0):
        contents[chance.randrange(len(contents))] = chance.randrange(256)
    path.write_bytes(contents)
    return f"{n} bytes flipped"


def _cut(path: Path, outside: Path, chance: random.Random) -> str:  # noqa: ARG001
    size = path.stat().st_size
    left = chance.choice((0, 1, size // 2, max(size - 1, 0), chance.randint(0, size)))
    os.truncate(path, left)
    return f"cut to {left} of {size}"


def _link(path: Path, outside: Path, chance: random.Random) -> str:
    """A link instead of a file, or of the folder in which it lies."""
    targets = (outside / "precious", outside / "new", outside, Path("/dev/zero"), Path("/dev/null"), path)
    target = chance.choice(targets)
    place = path.parent if chance.random() < 0.25 and path.parent.name not in ("case", "0", "1") else path
    if chance.random() < 0.2:
        place = place.parent / chance.choice(_MADE)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(target)
    return f"{place.name} is a link to {target}"


def _special(path: Path, outside: Path, chance: random.Random) -> str:  # noqa: ARG001
    path.unlink()
    kind = chance.choice(("FIFO", "folder", "sparse"))
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, 2**36)
    return kind


def _remove(path: Path, outside: Path, chance: random.Random) -> str:  # noqa: ARG001
    path.unlink()
    return "gone"


def _exchange(path: Path, outside: Path, chance: random.Random) -> str:
    others = [other for other in path.parents[0].rglob("*") if other.is_file() and other != path]
    if not others:
        return _remove(path, outside, chance)
    other = chance.choice(sorted(others))
    shutil.copyfile(other, path)
    return f"is {other.name}"


def _places(value: Any, keys: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield (*keys, key), value
        yield from _places(item, (*keys, key))


def _dump_yaml(values: Any, path: Path) -> None:
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8", errors="surrogatepass")


def _dump_json(values: Any, path: Path) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


_Format = tuple[Callable[[Path], Any], Callable[[Any, Path], None]]
_FORMATS: dict[str, _Format] = {
    ".yaml": (lambda path: yaml.safe_load(path.read_text(encoding="utf-8")), _dump_yaml),
    ".json": (lambda path: json.loads(path.read_text(encoding="utf-8")), _dump_json),
    ".ckpt": (lambda path: torch.load(path, weights_only=True), lambda values, path: torch.save(values, path)),
}
