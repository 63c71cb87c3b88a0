"""A comparison as a table of LaTeX that a paper takes as it is: booktabs, a caption, the best and its ties in bold."""

from __future__ import annotations

from ganbench.comparison.result import LEVEL, Comparison
from ganbench.comparison.words import OTHER, title, value_of
from ganbench.system.text import latex


def to_latex(comparison: Comparison, *, caption: str = "", label: str = "tab:comparison") -> str:
    """Return the table: a line for every side, a column for every result.

    Args:
        comparison: the results to show; see ``Comparison.chosen``.
        caption: in plain text; what is bold, and by which test, follows it.
        label: what ``\\\\ref`` calls it.
    """
    ids = comparison.ids
    head = " & ".join(["", *(latex(title(comparison, name)) for name in ids)]).strip()
    lines = []
    for side in comparison.sides:
        cells = [latex(side.label), *(_cell(comparison, name, side.label) for name in ids)]
        lines.append(f"{' & '.join(cells)} \\\\")
    words = " ".join(text for text in (caption.strip(), _statement(comparison)) if text)
    notes = [f"% {latex(one.id)}: {latex(one.a)}, {latex(one.b)}: {latex(one.reason)}" for one in comparison.refused]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            *notes,
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{latex(words)}}}",
            f"\\label{{{_name(label)}}}",
            f"\\begin{{tabular}}{{l{'r' * len(ids)}}}",
            "\\toprule",
            f"{head} \\\\",
            "\\midrule",
            *lines,
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


def _cell(comparison: Comparison, result_id: str, label: str) -> str:
    text = value_of(comparison, result_id, label)
    if label not in comparison.best(result_id):
        return latex(text)
    value, sign, spread = text.partition(" ± ")
    return f"\\textbf{{{latex(value)}}}{latex(sign + spread)}"


def _statement(comparison: Comparison) -> str:
    """Return what is bold, in a sentence or two."""
    over_seeds = any(side.kind == "trainings" for side in comparison.sides)
    counts = sorted({side.count for side in comparison.sides})
    count = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    what = f"Mean ± standard deviation over {count} training seeds." if over_seeds else f"{count} images each."
    pairs = len(comparison.sides) * (len(comparison.sides) - 1) // 2
    holm = f", Holm-adjusted over {pairs} pairs" if pairs > 1 else ""
    kinds = sorted({one.found.test.split(maxsplit=1)[0].rstrip(":") for one in comparison.compared})
    test = "Welch's t-test over training seeds" if over_seeds else " and ".join(kinds) + " tests, each result by itself"
    text = f"{what} Bold: the best, and what is not told apart from it ({test}, level {100 * LEVEL:g} %{holm})."
    others = any(
        value_of(comparison, name, side.label).endswith(OTHER) for name in comparison.ids for side in comparison.sides
    )
    return text + (f" {OTHER}: does not compare with the best." if others else "")


def _name(text: str) -> str:
    """Return a text as the name of a label: letters, digits and what is no command."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ":-._") else "-" for c in text)
