"""A builder of ONNX graphs. Needs onnx."""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


class GraphBuilder:
    """Nodes and constants with generated names, in the order in which they were added.

    Args:
        prefix: of every name, with which no input starts.
    """

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._prefix = prefix

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = f"{self._prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float64) -> str:
        """Add a constant; return its name."""
        name = f"{self._prefix}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def calculate(self, operator: str, first: str, second: float) -> str:
        """Add ``first operator second`` in double precision; return its name."""
        return self.add(operator, first, self.constant(second))

    def whole(self, name: str, divisor: float) -> str:
        """Add the floor of a quotient in double precision; return its name."""
        return self.add("Floor", self.calculate("Div", name, divisor))

    def column(self, name: str) -> str:
        """Add values ``(batch,)`` as a double ``(batch, 1)``; return their name."""
        return self.add("Unsqueeze", self.double(name), self.constant([1], np.int64))

    def double(self, name: str) -> str:
        """Add a cast to double precision; return its name."""
        return self.add("Cast", name, to=onnx.TensorProto.DOUBLE)
