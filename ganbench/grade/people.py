"""Whose a submission is: the ids and names that stand in what the export says of it, against the roster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ganbench.grade.exports import Stated
from ganbench.grade.roster import Person, id_key, name_key
from ganbench.system.parse import shown


class People:
    """The roster, ready to be looked through."""

    def __init__(self, roster: Sequence[Person], pattern: str | None) -> None:
        """Set up.

        Args:
            roster: everybody.
            pattern: of an id; None: the ids themselves are looked for.
        """
        self._by_id = {person.key: person for person in roster}
        self._by_name: dict[str, list[Person]] = {}
        for person in roster:
            if key := name_key(person.name):
                self._by_name.setdefault(key, []).append(person)
        longest_first = sorted((person.id for person in roster), key=len, reverse=True)
        given = "|".join(map(re.escape, longest_first)) if pattern is None else pattern
        # Part of a longer number is none: b10901001 does not stand in b109010012. Nor is an id that is a word part of a
        # longer word: ann does not stand in johanna; who gives a pattern says by it what may be around.
        around = (r"(?<!\d(?=\d))", r"(?!(?<=\d)\d)")
        word = ("", "") if pattern is not None else (r"(?<![a-z](?=[a-z]))", r"(?!(?<=[a-z])[a-z])")
        self._pattern = re.compile(f"{around[0]}{word[0]}(?:{given}){around[1]}{word[1]}", re.IGNORECASE)

    def whose(self, stated: Stated) -> tuple[list[Person], str]:
        """Return whose a submission is, and in one line why it is nobody's, or what there is to say of it.

        What the export says comes first. Several people are only believed where it names each: a group's submission.
        """
        named = [self._by_name.get(name_key(name), []) for name in stated.names]
        strangers: dict[str, None] = {}
        per_text = [self._ids_in(text, strangers) for text in stated.texts]
        if named and all(len(found) == 1 for found in named):
            owners = list({person.key: person for found in named for person in found}.values())
            return owners, self._contradiction(owners, per_text)
        for number, found in enumerate(per_text):
            same_name = {person.key for persons in named for person in persons}
            if len(found) > 1 and same_name:
                found = [person for person in found if person.key in same_name]
            if len(found) > 1 and len(stated.names) < 2:
                return [], f"{shown(stated.texts[number])} holds the ids of {_listed(found)}"
            if found:
                return found, self._contradiction(found, per_text[number + 1 :])
        return [], self._nobody(stated, named, list(strangers))

    def _ids_in(self, text: str, strangers: dict[str, None]) -> list[Person]:
        found: dict[str, Person] = {}
        for match in self._pattern.finditer(text):
            given = next((group for group in match.groups() if group is not None), match.group())
            person = self._by_id.get(id_key(given))
            if person is None:
                strangers[given] = None
            else:
                found[person.key] = person
        return list(found.values())

    def _contradiction(self, owners: Sequence[Person], texts: Iterable[Sequence[Person]]) -> str:
        """Say whose id stands in the name of somebody else's submission, or return ""."""
        keys = {person.key for person in owners}
        others = {person.key: person for found in texts for person in found if person.key not in keys}
        return f"its name holds the id of {_listed(list(others.values()))}" if others else ""

    def _nobody(self, stated: Stated, named: Sequence[Sequence[Person]], strangers: Sequence[str]) -> str:
        if strangers:
            return f"{', '.join(map(shown, strangers[:3]))}: not on the roster"
        if several := next((found for found in named if len(found) > 1), None):
            return f"{shown(several[0].name)} may be {_listed(several)}: no id says which"
        if stated.names:
            names = ", ".join(map(shown, stated.names[:3]))
            return f"{names}: no such name on the roster, and no id in the file's name"
        return "no id in its name"


def _listed(people: Sequence[Person]) -> str:
    ids = [person.id for person in people[:3]]
    return ", ".join(ids) + (f" and {len(people) - 3} more" if len(people) > 3 else "")
