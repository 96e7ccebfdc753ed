"""Small data sets in the layout that scikit-learn's loaders read, as a download leaves them or servers have them."""

import gzip
import io
import json
import pickle
import shutil
import tarfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import sklearn.datasets
from PIL import Image
from scipy import sparse
from sklearn.utils import Bunch

_DRAWN = np.random.default_rng(0)
OPENML = Path(sklearn.datasets.__file__).parent / "tests/data/openml"


def california_rows(n_rows: int = 60) -> np.ndarray:
    """Columns as in the archive: longitude, latitude, age, rooms, bedrooms, population, households, income, value."""
    return _DRAWN.uniform(1, 100, (n_rows, 9)) * [1, 1, 1, 9, 3, 9, 1, 0.1, 3000]


def california(home: Path) -> None:
    joblib.dump(california_rows(), home / "cal_housing_py3.pkz")


def covtype(home: Path) -> None:
    (home / "covertype").mkdir()
    rows = np.loadtxt(io.BytesIO(gzip.decompress(covtype_archive())), delimiter=",")
    joblib.dump(rows[:, :-1], home / "covertype/samples_py3")
    joblib.dump(rows[:, -1].astype(np.int32), home / "covertype/targets_py3")


def kddcup(home: Path) -> None:
    (home / "kddcup99_10-py3").mkdir()
    lines = gzip.decompress(kddcup_archive()).decode().split()
    rows = np.array([line.encode().split(b",") for line in lines], dtype=object)
    for column in (0, *range(4, 41)):
        rows[:, column] = rows[:, column].astype(float)
    joblib.dump(rows[:, :-1], home / "kddcup99_10-py3/samples")
    joblib.dump(rows[:, -1], home / "kddcup99_10-py3/targets")


def california_archive() -> bytes:
    rows = "\n".join(",".join(f"{value:.6f}" for value in row) for row in california_rows()).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("CaliforniaHousing/cal_housing.data")
        entry.size = len(rows)
        archive.addfile(entry, io.BytesIO(rows))
    return packed.getvalue()


def covtype_archive(n_rows: int = 140) -> bytes:
    rows = np.hstack([_DRAWN.integers(0, 300, (n_rows, 54)), np.arange(n_rows)[:, None] % 7 + 1])
    return gzip.compress("\n".join(",".join(map(str, row)) for row in rows).encode())


def kddcup_archive(n_rows: int = 90) -> bytes:
    lines = []
    for row in range(n_rows):
        numbers = [str(number) for number in _DRAWN.integers(0, 9, 38)]
        protocol, label = (("tcp", "normal."), ("udp", "neptune."), ("icmp", "smurf."))[row % 3]
        lines.append(",".join([numbers[0], protocol, "http", "SF", *numbers[1:], label]))
    return gzip.compress(("\n".join(lines) + "\n").encode())


def olivetti(home: Path) -> None:
    joblib.dump(_DRAWN.integers(0, 255, (400, 4096)).astype(np.float32), home / "olivetti_py3.pkz")


def lfw(home: Path) -> None:
    folder = home / "lfw_home"
    for person in ("Ada_L", "Emmy_N", "Mary_S"):
        (folder / "lfw_funneled" / person).mkdir(parents=True)
        for number in range(1, 11):
            pixels = _DRAWN.integers(0, 255, (250, 250, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"lfw_funneled/{person}/{person}_{number:04d}.jpg")
    same = [f"{person}\t{a}\t{b}" for person in ("Ada_L", "Emmy_N") for a, b in ((1, 2), (3, 4), (1, 3))]
    others = [f"Ada_L\t{a}\tMary_S\t{a}" for a in (1, 2, 3)] + [f"Emmy_N\t{a}\tMary_S\t{a}" for a in (1, 2, 3)]
    for name in ("pairsDevTrain.txt", "pairsDevTest.txt", "pairs.txt"):
        (folder / name).write_text("\n".join(["6", *same, *others]), encoding="utf-8")


def newsgroups(home: Path) -> None:
    texts = [f"{word} and {word} {i}" for i in range(6) for word in ("space", "engine", "baseball")]
    part = Bunch(data=texts, target=np.arange(18) % 3, target_names=["sci", "rec", "sport"],
                 filenames=np.array([str(i) for i in range(18)]))  # fmt: skip
    packed = zlib.compress(pickle.dumps({"train": part, "test": part}))
    (home / "20news-bydate_py3.pkz").write_bytes(packed)


def rcv1(home: Path) -> None:
    folder = home / "RCV1"
    folder.mkdir()
    joblib.dump(sparse.random(30, 20, 0.2, format="csr", rng=np.random.default_rng(0)), folder / "samples_py3.pkl")
    joblib.dump(np.arange(30, dtype=np.uint32), folder / "sample_id_py3.pkl")
    joblib.dump(sparse.csr_matrix(np.eye(30, 4, dtype=np.uint8)), folder / "sample_topics_py3.pkl")
    joblib.dump(np.array(["A", "B", "C", "D"], dtype=object), folder / "topics_names_py3.pkl")


def species(home: Path) -> None:
    points = np.array([(b"sloth", -64.7, -17.8)], dtype=[("species", "S22"), ("dd long", "f4"), ("dd lat", "f4")])
    joblib.dump(
        Bunch(coverages=np.zeros((2, 3, 3), np.int16), train=points, test=points), home / "species_coverage_py3.pkz"
    )


def openml(home: Path, data_id: int) -> None:
    """What scikit-learn's own tests hold of the server's answers, where its loader keeps them."""
    answers = OPENML / f"id_{data_id}"
    root = home / "openml/openml.org"
    for stem, path in (("jd", "data"), ("jdf", "data/features"), ("jdq", "data/qualities")):
        place = root / "api/v1/json" / path / f"{data_id}.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(answers / f"api-v1-{stem}-{data_id}.json.gz", place)
    about = json.loads(gzip.decompress((root / f"api/v1/json/data/{data_id}.gz").read_bytes()))
    url = about["data_set_description"]["url"]
    place = root / (url.partition("openml.org/")[2] + ".gz")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(next(answers.glob("data-v1-dl-*.arff.gz")), place)
