"""A file that tries to run code when it is read, and a witness that tells whether it did."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile


class Trap:
    """Unpickling it appends a line to a file."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return spring, (str(self.witness),)


def spring(witness: str) -> None:
    """What the file asks a careless reader to call."""
    with Path(witness).open("a", encoding="utf-8") as file:
        file.write("sprung\n")


def write_pickle(path: Path, trap: Trap) -> None:
    """A plain pickle."""
    path.write_bytes(pickle.dumps(trap, protocol=2))


def write_archive(path: Path, trap: Trap) -> None:
    """A zip archive with a pickle inside, as torch writes its checkpoints since version 1.6."""
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", pickle.dumps(trap, protocol=2))
        archive.writestr(f"{path.stem}/byteorder", "little")
        archive.writestr(f"{path.stem}/version", "3\n")
