"""``sweep.filter``: which combinations of settings a sweep runs, as an expression that is read and not executed.

Python only parses the text. What is computed is the few kinds of nodes that are listed here, on plain values: nothing
is called, no attribute is taken, and no number grows beyond what a setting needs. Imports nothing heavy.
"""

import ast
import json
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from perceptron.errors import UsageError, reason

KEY = "sweep.filter"
# Parsing and computing take a moment for an expression of this length, whatever it says.
_LONGEST = 2000
_DEEPEST = 50
# Python's integers have no limit; a float's exponent ends near this power of two.
_MOST_BITS = 1024
# What YAML and Hydra write for them.
_CONSTANTS = {"true": True, "false": False, "null": None}
_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_ORDER: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ALLOWED = (
    "settings, numbers, texts in quotes, lists, true, false and null, with + - * / // % **, comparisons, in, and, or, "
    "not and brackets"
)
_EXAMPLE = 'such as "optimizer.lr * data.batch_size < 10"'


class MissingSettingError(Exception):
    """A combination has no setting of a name that its filter asks for.

    Args:
        name: of the setting.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class CombinationFilter:
    """A condition on the settings of a combination.

    Args:
        text: the expression. Settings are named with dots, as on the command line; the name of a group, such as
            ``model``, is the option chosen.

    Attributes:
        text: the expression.
        names: the settings that it names.

    Raises:
        UsageError: if it is no such expression.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._root = _parsed(text)
        self.names: tuple[str, ...] = tuple(dict.fromkeys(_names(self._root)))

    def admits(self, values: Mapping[str, Any]) -> bool:
        """Whether a combination meets the condition.

        ``and`` and ``or`` do not look at what stands behind them if what stands before decides.

        Args:
            values: plain value of each setting in ``names`` that the combination has.

        Raises:
            MissingSettingError: if a setting that decides is not among them.
            UsageError: if values of other types would be needed, or a number is too large.
        """
        return self._truth(self._root, values)

    def _truth(self, node: ast.AST, values: Mapping[str, Any]) -> bool:
        found = self._value(node, values)
        if not isinstance(found, bool):
            whole = node is self._root
            raise self._wrong(
                f"{'be' if whole else 'have'} true or false {'in the end' if whole else 'beside and, or and not'}, got "
                f"{_shown(found)} for {ast.unparse(node)}; compare it with something"
            )
        return found

    def _value(self, node: ast.AST, values: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name() | ast.Attribute():
                return self._setting(_dotted(node), values)
            case ast.List() | ast.Tuple():
                return tuple(self._value(item, values) for item in node.elts)
            case ast.BoolOp(op=ast.And()):
                return all(self._truth(operand, values) for operand in node.values)
            case ast.BoolOp():
                return any(self._truth(operand, values) for operand in node.values)
            case ast.UnaryOp(op=ast.Not()):
                return not self._truth(node.operand, values)
            case ast.UnaryOp():
                number = self._number(node.operand, values)
                return -number if isinstance(node.op, ast.USub) else number
            case ast.BinOp():
                return self._computed(node, values)
            case ast.Compare():
                return self._compared(node, values)
        raise AssertionError(f"an expression's nodes are checked when it is read, got {ast.dump(node)}")

    def _setting(self, name: str, values: Mapping[str, Any]) -> Any:
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name not in values:
            raise MissingSettingError(name)
        return _as_tuples(values[name])

    def _number(self, node: ast.AST, values: Mapping[str, Any]) -> int | float:
        found = self._value(node, values)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self._wrong(f"compute with numbers, got {_shown(found)} for {ast.unparse(node)}; compare it instead")
        return found

    def _computed(self, node: ast.BinOp, values: Mapping[str, Any]) -> int | float:
        left, right = self._number(node.left, values), self._number(node.right, values)
        # A float that is too large raises an ArithmeticError.
        is_whole = isinstance(left, int) and isinstance(right, int)
        if is_whole and isinstance(node.op, ast.Pow) and right * left.bit_length() > _MOST_BITS:  # type: ignore[union-attr]
            raise self._wrong(f"stay below 2**{_MOST_BITS}, got {left!r} ** {right!r}; take a smaller power")
        try:
            found = _ARITHMETIC[type(node.op)](left, right)
        except ArithmeticError as error:
            raise self._wrong(
                f"be computable, got {error} in {ast.unparse(node)}; exclude the case before it"
            ) from error
        if isinstance(found, complex):
            raise self._wrong(f"have real numbers, got {found} for {ast.unparse(node)}; change the power")
        return found  # type: ignore[no-any-return]

    def _compared(self, node: ast.Compare, values: Mapping[str, Any]) -> bool:
        left = self._value(node.left, values)
        for comparison, operand in zip(node.ops, node.comparators, strict=True):
            right = self._value(operand, values)
            if not self._holds(comparison, left, right, ast.unparse(node)):
                return False
            left = right
        return True

    def _holds(self, comparison: ast.cmpop, left: Any, right: Any, shown: str) -> bool:
        if isinstance(comparison, ast.Eq | ast.Is):
            return _equal(left, right)
        if isinstance(comparison, ast.NotEq | ast.IsNot):
            return not _equal(left, right)
        if isinstance(comparison, ast.In | ast.NotIn):
            if not isinstance(right, tuple):
                raise self._wrong(f"have a list behind in, got {_shown(right)} in {shown}; write [{_shown(right)}]")
            return any(_equal(left, item) for item in right) is isinstance(comparison, ast.In)
        if not (_is_number(left) and _is_number(right)) and not (isinstance(left, str) and isinstance(right, str)):
            raise self._wrong(
                f"order two numbers or two texts, got {_shown(left)} and {_shown(right)} in {shown}; exclude the case "
                "before it, such as <setting> != null and ..."
            )
        return _ORDER[type(comparison)](left, right)

    def _wrong(self, rule: str) -> UsageError:
        return UsageError(f"{KEY} must {rule}")


def _parsed(text: str) -> ast.expr:
    """The tree of an expression, all of whose nodes are allowed."""
    if len(text) > _LONGEST:
        raise UsageError(f"{KEY} must have at most {_LONGEST} characters, got {len(text)}; shorten it")
    if not text.strip():
        raise UsageError(f"{KEY} must be an expression, got none; write one {_EXAMPLE}")
    try:
        with warnings.catch_warnings():
            # Python warns of unknown escapes in texts.
            warnings.simplefilter("ignore")
            root = ast.parse(text.strip(), mode="eval").body
    # For null bytes, numbers of thousands of digits, and brackets nested too deep.
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = getattr(error, "msg", None) or reason(error, lines=1)
        raise UsageError(f"{KEY} must be an expression, got {text[:80]}: {why}; write one {_EXAMPLE}") from error
    if isinstance(root, ast.Constant) and isinstance(root.value, str):
        # Quoted once more, as Hydra wants other values that have blanks.
        return _parsed(root.value)
    _check(root, text.strip(), depth=0)
    return root


def _check(node: ast.AST, text: str, *, depth: int) -> None:
    """Refuse a node of a text that is not allowed, and those below it."""
    if depth > _DEEPEST:
        raise UsageError(f"{KEY} must not nest deeper than {_DEEPEST} operations, got more; simplify it")
    children: list[ast.expr] = []
    match node:
        case ast.Constant(value=value):
            if not (value is None or isinstance(value, int | float | str)):
                raise _refused(node, text)
            if isinstance(value, int) and value.bit_length() > _MOST_BITS:
                raise UsageError(f"{KEY} must have numbers below 2**{_MOST_BITS}, got a larger one; take a smaller")
        case ast.Name():
            pass
        case ast.Attribute():
            if not _dotted(node):
                raise _refused(node, text)
        case ast.List(elts=found) | ast.Tuple(elts=found) | ast.BoolOp(values=found):
            children = found
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            children = [operand]
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _ARITHMETIC:
            children = [left, right]
        case ast.Compare(left=left, comparators=others):
            children = [left, *others]
        case _:
            raise _refused(node, text)
    for child in children:
        _check(child, text, depth=depth + 1)


def _refused(node: ast.AST, text: str) -> UsageError:
    # As typed: taking a tree apart may nest too deep.
    shown = ast.get_source_segment(text, node) or text
    return UsageError(f"{KEY} must be made of {_ALLOWED}, got {shown[:80]}; leave it out")


def _dotted(node: ast.AST) -> str:
    """Name of a setting; empty for an attribute of anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name | ast.Attribute):
        name = _dotted(node)
        return [] if name in _CONSTANTS else [name]
    return [name for child in ast.iter_child_nodes(node) for name in _names(child)]


def _equal(left: Any, right: Any) -> bool:
    """Equality in which true is no 1: a setting that is one of them is never meant as the other."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(_equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list | tuple) else value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
