"""Names for public pages: the same for the same person and secret, and of no use without the secret."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from ganbench.errors import CannotWrite, GanbenchError
from ganbench.system.storage import atomic_write
from ganbench.system.wall import wall

_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that is taken for another
_LEAST = 5  # letters
_LONGEST_FILE = 4096


def aliases(keys: Iterable[str], secret: str) -> dict[str, str]:
    """Return an alias for everybody, such as ``K7QXM``.

    Args:
        keys: of their ids; the aliases do not depend on their order.
        secret: what makes it impossible to find an id by trying them all.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(keys):
        digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), key.encode("utf-8", "surrogatepass"), "sha256")
        letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)
        length = next(n for n in range(_LEAST, len(letters) + 1) if letters[:n] not in taken)
        found[key] = letters[:length]
        taken.add(letters[:length])
    return found


def secret_of(given: str | None, config: Path) -> tuple[str, str]:
    """Return the secret of a class, and a line to say where a new one is kept, or "".

    Args:
        given: what the configuration says; without it the file beside it that ends in ``.secret`` is used, and made
            where it is not there, so that whoever has seen an alias sees it again.
        config: the configuration's file.

    Raises:
        GanbenchError: the file cannot be read, or holds no secret.
        CannotWrite: it cannot be made.
    """
    if given is not None:
        return given, ""
    path = config.with_suffix(".secret")
    if path.exists():
        with wall(lambda why: GanbenchError(f"{path}: cannot be read: {why}")):
            with path.open("rb") as f:
                text = f.read(_LONGEST_FILE).decode("utf-8").strip()
            if len(text) < 8:
                raise GanbenchError(f"{path}: no secret in it. Remove it, and a new one is made: all aliases change")
            return text, ""
    text = secrets.token_hex(16)
    try:
        with atomic_write(path, "w") as f:
            f.write(text + "\n")
        path.chmod(0o600)
    except (CannotWrite, OSError) as e:
        raise CannotWrite(f'{e} Or say secret = "..." in {config}: the aliases are made from it') from e
    return text, f"the aliases on public pages are made from {path}: keep it, and keep it to yourself"
