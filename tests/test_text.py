"""What may be printed or exported: whatever the text, it shows as it is and acts as nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.system.text import (
    csv_cell,
    csv_frame,
    csv_text,
    html,
    is_hidden,
    json_text,
    latex,
    markdown,
    pad,
    terminal,
    visible,
    width,
)

ODD = "\x00\t\n\r\x1b\x7f\x85\x9b\u061c\u200b\u200e\u2028\u202e\u2066\u2069\ufeff\udca4\ud83d\U000e0001"
SIGNS = "=+-@|<>&\"'`$\\{}[]()%#_^~*!;, 1a動"
TEXTS = st.text(st.one_of(st.sampled_from(ODD + SIGNS), st.characters(codec=None, categories=None)), max_size=24)


def acts(text: str) -> bool:
    """Tell whether a text has a character that a terminal would act on."""
    return any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


@given(TEXTS)
def test_nothing_hidden_is_left_in_any_form(text: str) -> None:
    for form in (visible, terminal, html, markdown, latex):
        shown = form(text)
        assert not acts(shown)
        shown.encode("utf-8")
    assert visible(visible(text)) == visible(text)
    assert acts(text) or visible(text) == text or any(map(is_hidden, text))


@given(TEXTS)
def test_line_feeds_stay_in_documents_alone(text: str) -> None:
    assert not acts(visible(text, lines=True).replace("\n", ""))
    assert visible(text, lines=True).count("\n") == text.count("\n")


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_names_that_differ_in_a_byte_stay_two(a: bytes, b: bytes) -> None:
    names = [one.replace(b"\\", b"/").decode("utf-8", "surrogateescape") for one in (a, b)]
    assert (visible(names[0]) == visible(names[1])) == (names[0] == names[1])


def test_what_cannot_be_seen_is_named() -> None:
    assert visible("\udca4G.zip") == r"\xa4G.zip"
    assert visible("a\x1b[31m\tb\r\n\x85\u202e\U000e0001") == r"a\x1b[31m\tb\r\n\u0085\u202e\U000e0001"
    assert visible("動漫 é 😀\u3000\xa0.") == "動漫 é 😀\u3000\xa0."


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp950", "cp437", "utf-8"])
def test_a_terminal_gets_what_it_can_encode(encoding: str) -> None:
    shown = terminal("fd ↓ 1 … 2 ± 3 – 動\udca4", encoding)
    shown.encode(encoding)
    assert shown.startswith("fd ")
    assert shown.endswith(r"\xa4")
    assert terminal("1 … 2 ↓ é", "ascii") == "1 ... 2 v \\u00e9"


@given(TEXTS, st.integers(0, 30))
def test_padding_counts_columns(text: str, columns: int) -> None:
    assert width(pad(visible(text), columns)) == max(columns, width(visible(text)))


def test_wide_characters_take_two_columns() -> None:
    assert width("動漫a") == 5
    assert pad("動漫", 6) == "動漫  "


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS)
def test_html_has_no_tag_of_the_text(text: str) -> None:
    page = _Tags()
    page.feed(f"<p title='{html(text)}'>{html(text)}</p>")
    page.close()
    assert page.found == [("p", [("title", visible(text))])]
    assert page.text == visible(text)


@given(TEXTS)
def test_markdown_has_no_markup_of_the_text(text: str) -> None:
    shown = markdown(text)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown)  # without what is escaped
    assert not set("<>|`*$~") & set(bare)
    assert not re.search(r"\][(\[]", bare)
    assert not re.search(r"&(?!lt;|gt;|amp;|#123;|#93;)", bare)
    assert not re.search(r"(^|\W)_\w|\w_(\W|$)", re.sub("_+", "_", bare)) or "_" not in text
    assert not re.match(r"#+\s|[-+]\s|\d+[.)]\s|\[", shown)


def test_markdown_leaves_names_of_ours_alone() -> None:
    for text in ("fd[lite0] ↓", "training.clip_grad_norm=1", "200 (198 … 202)", "-1.5", "wgan objective.clip=1.0"):
        assert markdown(text) == text
    assert markdown("[x](javascript:alert(1))") == r"\[x&#93;(javascript:alert(1))"
    assert markdown("{{7*7}}{% raw %}") == r"&#123;{7\*7}}&#123;% raw %}"
    assert markdown("# a | b") == r"\# a \| b"


@given(TEXTS)
def test_latex_has_no_command_of_the_text(text: str) -> None:
    ours = (
        r"\\(downarrow|uparrow|pm)\$|\\(ldots|dag|text(backslash|asciitilde|asciicircum|less|greater|bar|quotedbl))\{\}"
    )
    bare = re.sub(rf"\\[&%#_{{}}$]|\$?{ours}", "", latex(text).removeprefix("{}"))
    assert not set("\\&%#_{}$~^") & set(bare)
    assert not latex(text).startswith(("[", "*"))


@given(TEXTS)
def test_csv_has_no_formula_of_the_text(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text([{"name": text, text: 1.5}], ["name", text]))))
    assert [len(row) for row in rows] == ([2, 2])
    for cell in (row[0] for row in rows):
        for part in (cell, *cell.split(";")[1:]):
            number = re.fullmatch(r"-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", part, re.ASCII | re.IGNORECASE)
            assert number or not re.match(r"[\s'\"]*[=+\-@\t\r＝＋－＠]", part) or part.startswith("'")


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_stay_numbers(value: float) -> None:
    assert csv_cell(value) is value
    (_, (text,)) = csv.reader(io.StringIO(csv_text([{"v": value}], ["v"])))
    assert text == str(value)
    assert csv_cell(str(value)) == str(value)


def test_cells_that_would_run() -> None:
    for text in ("=1+1", "+1+1", "-2+3.tgz", "@SUM(1)", " =1", "'=1", '"=1', "\u3000＝1", "+1"):
        assert csv_cell(text) == f"'{text}"
    assert csv_cell("a;=1+1") == "a;'=1+1"
    assert csv_cell("\t=1") == r"\t=1"
    for text in ("-1.5", "1e-05", "a=b", "2 - 1", "'tis", ""):
        assert csv_cell(text) == text


def test_frames_are_guarded_too() -> None:
    frame = pd.DataFrame({"=id": ["=x", None], "value": [-1.5, float("nan")], "n": pd.array([1, None], dtype="Int64")})
    assert csv_frame(frame) == "'=id,value,n\n'=x,-1.5,1\n,,\n"
    same = pd.DataFrame({"name": ["a", "b,c"], "value": [0.1, 1e-9]})
    assert csv_frame(same) == same.to_csv(index=False)


@given(TEXTS, st.booleans())
def test_json_comes_back_and_is_utf8(text: str, ascii_only: bool) -> None:
    written = json_text({text: [text, -1.5, None]}, ascii_only=ascii_only)
    written.encode("ascii" if ascii_only else "utf-8")
    assert not acts(written.replace("\n", ""))
    whole = "".join(visible(c) if "\ud800" <= c <= "\udfff" else c for c in text)
    assert json.loads(written) == {whole: [whole, -1.5, None]}
