"""A table with columns of every kind, from whose columns together its target follows."""

import numpy as np
import pandas as pd


def mixed(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Numbers, a category, a truth, a date, gaps; the answer is yes where at least two of four things hold."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 10, n).round(1),
            "city": random.choice(["Bern", "Basel", "Genf"], n),
            "member": random.random(n) < 0.5,
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 1500, n), unit="D"),
        }
    )
    score = (frame.age > 40).astype(int) + (frame.city == "Bern") + frame.member + (frame.joined > "2022-01-01")
    frame["churned"] = np.where(score >= 2, "yes", "no")
    frame.loc[random.random(n) < 0.1, "age"] = np.nan
    frame.loc[random.random(n) < 0.1, "city"] = None
    return frame
