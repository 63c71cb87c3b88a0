"""Where a bench's results go: a folder, or a place in an object store, of which what is small is copied here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ganbench.bench.grid import Cell, Workspace
from ganbench.bench.status import Status
from ganbench.bench.written import FILE, Written, tell_differences
from ganbench.errors import GanbenchError
from ganbench.system.location import Location
from ganbench.system.outputs import write_text
from ganbench.system.text import json_text
from ganbench.training.run_folder import RunFolder
from ganbench.training.stored import Sight


class Out:
    """The place of a bench's results."""

    def __init__(self, workspace: Workspace) -> None:
        """Set up; nothing is read yet."""
        self.folder = workspace.folder
        self.label = workspace.label
        self._workspace = workspace
        self._url = workspace.out.rstrip("/") if isinstance(workspace.out, str) else None
        self._seen: dict[str, str] = {}  # versions of what was copied

    def refresh(self) -> None:
        """Copy what is new in the store, if it is one: all but checkpoints and events.

        Raises:
            GanbenchError: the store cannot be read, or the copies not be written.
        """
        if self._url is None:
            return
        from ganbench.system.remote import list_files
        from ganbench.training.mirror import fetch_into, is_small

        for file in list_files(self._url):
            if is_small(file.name) and (not file.version or self._seen.get(file.name) != file.version):
                fetch_into(file, self.folder)
                self._seen[file.name] = file.version

    def publish(self, file: Path) -> Location:
        """Bring a file that was written into ``folder`` to the store, if it is one; return where it lies.

        Raises:
            GanbenchError: the store does not take it.
        """
        if self._url is None:
            return Location.of(file)
        from ganbench.system.remote import put_file

        url = f"{self._url}/{file.relative_to(self.folder).as_posix()}"
        put_file(file, url)
        return Location(url)

    def sight(self, name: str) -> Sight:
        """Look at who holds a cell.

        Raises:
            GanbenchError: the store does not answer.
        """
        return Sight(self._workspace.cell(name))

    def begin(self, written: Written, cells: list[Cell]) -> None:
        """Write down what is run here, unless it stands there.

        Raises:
            GanbenchError: another process works here on something else, or it cannot be written.
        """
        try:
            before = Written.read(self.folder)
        except GanbenchError:
            before = None
        if before == written:
            return
        if before is not None and (held := [c.name for c in cells if not self.sight(c.name).is_free()]):
            raise GanbenchError(
                f"another process works in {self.label} (on {held[0]}), with another grid or other settings: "
                f"{tell_differences(written.differences(before), 'this one', 'that one')}. "
                "Give another --out, or wait for it"
            )
        self.publish(written.write(self.folder))

    def record(self, status: Status, say: Callable[[str], None]) -> None:
        """Write down how a cell ended whose process did not do so itself."""
        try:
            if self.sight(status.name).is_free():
                file = RunFolder(self.folder / status.name).status
                write_text(file, json_text(status.to_dict()))
                self.publish(file)
        except GanbenchError as e:
            say(f"{status.name}: {e}")


def is_written(workspace: Workspace) -> bool:
    """Tell whether a process sees what the one that began the bench has written: on another machine it may not."""
    return isinstance(workspace.out, str) or (workspace.out / FILE).is_file()
