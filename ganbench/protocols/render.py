"""Why two numbers differ, as text for people, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ganbench.protocols.difference import Difference
from ganbench.protocols.effects import Effect, Measured, Pooled
from ganbench.protocols.facts import Side
from ganbench.scoring.numbers import format_number
from ganbench.system.streams import cell

WIDTH = 80
_MANY = 4  # facts of one kind that are shown one by one


def renderable(
    a: Side, b: Side, pools: Sequence[Pooled], measured: Sequence[Measured], on: Console | None = None
) -> Group:
    """Return what is shown: the sides, the differences, and what each of them moves.

    Args:
        a: the first side.
        b: the second one.
        pools: the differences.
        measured: what they move.
        on: the console that will show it, where its encoding matters.
    """
    parts: list[RenderableType] = [cell(f"A  {_named(a)}", on), cell(f"B  {_named(b)}", on)]
    parts.append(_differences(pools, on) if pools else Text("They differ in nothing that is recorded."))
    parts += [part for one in measured for part in _measured(one, on)]
    parts += [_line(f"B: {note}", on) for note in b.notes]
    if b.source:
        parts.append(_line(f"B is stated by: {b.source}", on))
    return Group(*parts)


def _named(side: Side) -> str:
    return side.label if side.whole else f"{side.label} (a stated protocol: what it does not name is left open)"


def _line(text: str, on: Console | None) -> RenderableType:
    return Padding(cell(text, on, "dim"), (0, 0, 0, 0))


def _table(*columns: str, width: int = WIDTH) -> Table:
    from rich import box

    table = Table(box=box.SIMPLE_HEAD, width=width, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _differences(pools: Sequence[Pooled], on: Console | None) -> Table:
    table = _table("what differs", "A", "B")
    for column, share in zip(table.columns, (4, 3, 3), strict=True):
        column.ratio = share
    for pool in pools:
        rows = {(title.partition(" (")[0], a, b): (title, a, b) for title, a, b in reversed([*_rows(pool.members)])}
        for number, (title, a, b) in enumerate(reversed(rows.values())):
            title = f"  {title.partition(' (')[0] if pool.group else title}" if number else title  # said in the first
            table.add_row(*(cell(text, on) for text in (title, a, b)))
    return table


def _rows(members: tuple[Difference, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield title and both values of each difference; many of one kind are one line."""
    kinds: dict[str, list[Difference]] = {}
    for one in members:
        kinds.setdefault(f"{one.of} {'.'.join(one.name.split('.')[:2])}", []).append(one)
    for same in kinds.values():
        about = f" ({same[0].of})" if same[0].of else ""
        if len(same) > _MANY:
            kind = ".".join(same[0].name.split(".")[:2]).replace("_", " ").replace(".", ": ")
            yield f"{kind}{about}", f"{len(same)} facts differ", "all of them: --json"
            continue
        for one in same:
            yield (f"{one.choice.title}{about}", *one.texts())


def _measured(one: Measured, on: Console | None) -> Iterator[RenderableType]:
    low, high = one.base.low, one.base.high
    interval = "" if low is None else f" (95 %: {format_number(low)} … {format_number(high)})"
    yield cell(f"{one.a} on these images, by A's protocol: {format_number(one.value)}{interval}", on, "bold")
    yield from (_line(text, on) for text in _checks(one))
    table = _table("one choice as B has it, the rest as A", one.a if one.a == one.b else "the number", "move", "%")
    for column in table.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    known = [effect for effect in one.ranked() if effect.value is not None]
    for effect in known:
        table.add_row(cell(effect.pool.title, on), *_numbers(one, effect.value))
    if one.together is not None:
        table.add_row("all of these together", *_numbers(one, one.together))
    if known:
        yield table
    for effect in one.ranked():
        if effect.why:
            yield _line(_reason(effect), on)


def _checks(one: Measured) -> Iterator[str]:
    """Yield what the cards themselves say, where they are of the same images."""
    if one.value_a is not None:
        same = "the same" if one.value_a == one.value else f"off by {one.value - one.value_a:+.2g}"
        yield f"A's card says {format_number(one.value_a)}: {same}."
    if one.value_b is not None:
        left = "" if one.together is None else f"; with all switched it is {format_number(one.together)} here"
        yield f"B's card, of the same images, says {format_number(one.value_b)}{left}."
    yield from (f"{note}." for note in one.notes)


def _numbers(one: Measured, value: float | None) -> tuple[str, str, str]:
    move, relative = one.move(value), one.relative(value)
    assert move is not None  # only what has a value is in the table
    sign = "+" if move > 0 else ""
    share = "–" if relative is None else f"{sign if relative > 0 else ''}{format_number(100 * relative)}"
    return format_number(value), f"{sign}{format_number(move)}", share


def _reason(effect: Effect) -> str:
    words = "switched" if effect.value is not None else "not switched"
    about = ", ".join(dict.fromkeys(one.of for one in effect.pool.members if one.of))
    return f"{words}: {effect.pool.title}{f' ({about})' if about and not effect.pool.group else ''}: {effect.why}"
