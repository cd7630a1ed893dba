"""A careless reader springs the trap, so a witness that is missing means something."""

import pickle
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from twofold_conformance.oracles.trap import Trap, write_archive, write_pickle


def _read_pickle(path: Path) -> None:
    pickle.loads(path.read_bytes())


def _read_archive(path: Path) -> None:
    with ZipFile(path) as archive:
        pickle.loads(archive.read(f"{path.stem}/data.pkl"))


@pytest.mark.parametrize(("write", "read"), [(write_pickle, _read_pickle), (write_archive, _read_archive)])
def test_unpickling_springs_the_trap(
    tmp_path: Path, write: Callable[[Path, Trap], None], read: Callable[[Path], None]
) -> None:
    witness = tmp_path / "witness"
    write(tmp_path / "store", Trap(witness))
    assert not witness.exists()
    read(tmp_path / "store")
    assert witness.exists()
