"""Text cells of a CSV file that a spreadsheet program would run as formulas."""

import re

# A formula can send cells elsewhere or start a program. A tab or a carriage return in front is dropped, then it is one:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"[\t\r\n ]*[=+\-@]")


def without_formula(cell: str) -> str:
    """The cell with an apostrophe in front where it would be a formula, by which it is a text; numbers stay."""
    if _FORMULA.match(cell) is None:
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
