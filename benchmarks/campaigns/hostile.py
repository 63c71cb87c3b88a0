"""Names that mean something to whoever shows them: a browser, a spreadsheet, LaTeX, Markdown, a terminal."""

from __future__ import annotations

import os
import random
import sys

MARKUP = (
    *(
        "<script>alert(1)<!--",
        '"><img src=x onerror=alert(1)>',
        "<svg onload=alert(1)>",
        "<iframe srcdoc=x>",
        "&lt;b&gt;",
    ),
    *("<style>*{display:none}", "' onmouseover='alert(1)", "{{7*7}}{% raw %}", "${7*7}", "<!--", "]]>", "&#60;b&#62;"),
)
FORMULAS = (
    "=cmd|' !C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1",
    "=HYPERLINK(1)",
    " =1+1",
    "％=1",
    "＝1+1",
)
MARKDOWN = (
    "[x](javascript:alert(1))",
    "![x](x)",
    "a|b`c`",
    "***",
    "# h",
    "\n\n- item",
    "1. x",
    "~~~",
    "[bold red]r[/]",
)
LATEX = ("\\input{etc}", "$x^2$_%&#~", "%\n\\immediate\\write18{id}", "\\\\ \\hline", "^^5cinput{x}", "{", "}")
CONTROLS = (
    *("\x1b[31mred", "\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "new\nline", "cr\rlf", "\x08\x08", "\x00"[1:] + "\x7f"),
    *("\u202egpj", "\u2066x\u2069", "\u200b", "\u2028", "\x85", "\ufeff", "\U000e0041"),
)
WORDS = ("二號", "陳大文_作業六", "动漫人脸", "ＷＧＡＮ", "é" * 40, "😀", "a b", "x" * 120)
ALL = (*MARKUP, *FORMULAS, *MARKDOWN, *LATEX, *CONTROLS, *WORDS)
BIG5 = ("二", "陳大文", "許功蓋", "作業六")  # the third: letters whose second byte is a backslash


def names(count: int, rng: random.Random, extension: str) -> list[str]:
    """Return different file names that a file system takes: every fragment first, then mixtures, some of them Big5.

    Bytes that are not UTF-8 come as Python has them in paths, as lone surrogates.
    """
    found: dict[str, None] = {}
    number = 0
    while len(found) < count:
        if number % 6 == 5 and sys.platform == "linux":
            text = os.fsdecode(BIG5[(number // 6) % len(BIG5)].encode("big5")) + rng.choice(["", rng.choice(ALL)])
        elif number < 2 * len(ALL):
            text = ALL[(number * 7) % len(ALL)]
        else:
            text = "".join(rng.choices(ALL, k=rng.randint(2, 3)))
        number += 1
        text = text.replace("/", "_").replace("\0", "")
        while len(os.fsencode(text + extension)) > 250:
            text = text[: len(text) // 2]
        name = text + extension
        if name in found:
            name = f"{number}{name}"
        found[name] = None
    return list(found)


def spoil(tree: object, rng: random.Random) -> object:
    """Return plain values in which many texts are hostile and the numbers are what they were."""
    if isinstance(tree, dict):
        return {key: spoil(value, rng) for key, value in tree.items()}
    if isinstance(tree, list):
        return [spoil(value, rng) for value in tree]
    return tree + rng.choice(ALL) if isinstance(tree, str) and rng.random() < 0.5 else tree
