"""Text cells of a CSV file that a spreadsheet program would run as formulas."""

import re

# A formula can send cells elsewhere or start a program. Spreadsheet programs drop a leading tab or carriage return:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"[\t\r\n ]*[=+\-@]")


def without_formula(cell: str) -> str:
    """The cell with an apostrophe in front if it would be a formula, which makes it a text; numbers do not change."""
    if _FORMULA.match(cell) is None:
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
