"""The configuration in a checkpoint is plain values: anything else ends in one line before it is used."""

from typing import Any

import pytest
import torch
import yaml

from perceptron.errors import UsageError
from perceptron.runs.checkpoints.metadata import stored_config

UNFOLDS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(8)
)
WRONG: dict[str, tuple[Any, str]] = {
    "bytes": ({"a": b"bytes"}, "got a bytes instead of a plain value"),
    "an object": ({"a": [object()]}, "got a object instead of a plain value"),
    "a tensor": ({"a": torch.zeros(1)}, "got a Tensor instead of a plain value"),
    "contains itself": (yaml.safe_load("a: &a [*a]"), "got values nested deeper than 64"),
    "unfolds to 400 million values": (yaml.safe_load(UNFOLDS), "got more than 50,000 values"),
}


@pytest.mark.parametrize(("config", "got"), WRONG.values(), ids=WRONG)
def test_a_configuration_that_is_not_plain_is_one_line(config: Any, got: str) -> None:
    with pytest.raises(UsageError) as caught:
        stored_config({"perceptron": {"config": config}}, where="x.ckpt")
    assert str(caught.value) == f"a checkpoint's configuration must hold plain values, {got} in x.ckpt; name another"


def test_plain_values_pass() -> None:
    config = {"a": [1, 0.5, None, True, "x", {"b": {}}], 2: "c"}
    assert stored_config({"perceptron": {"config": config}}, where="x") == config
