"""Files of parameters: what is written comes back, nothing else does, and no code is run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from twofold_torch import FileFormatError, StoreError
from twofold_torch.distributions import constraints
from twofold_torch.params import ParamStore


def filled() -> ParamStore:
    store = ParamStore()
    store.setdefault("plain", torch.tensor([[1.0, 2.0]]).t())
    store.setdefault("rate", torch.tensor(3.0, dtype=torch.float64), constraints.positive)
    store.setdefault("net$$$weight", nn.Parameter(torch.ones(2, 2, dtype=torch.float16)))
    store.setdefault("wave", torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128))
    store.setdefault("bounds", torch.tensor([0.5, 1.5]), constraints.interval(torch.tensor([0.0, 1.0]), 2.0))
    store.setdefault("empty", torch.zeros(0, 3))
    return store


def same(left: ParamStore, right: ParamStore) -> bool:
    pairs = zip(left.named_parameters(), right.named_parameters(), strict=True)
    return all(a == b and x.dtype == y.dtype and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_what_is_saved_comes_back_bitwise(tmp_path: Path) -> None:
    store, other = filled(), ParamStore()
    store.save(tmp_path / "p.st")
    other["gone"] = torch.tensor(1.0)
    other.load(str(tmp_path / "p.st"))
    assert same(store, other)
    assert other.constraint("rate") is constraints.positive
    assert other.constraint("bounds").lower_bound.tolist() == [0.0, 1.0]
    assert isinstance(dict(other.named_parameters())["net$$$weight"], nn.Parameter)
    assert all(leaf.requires_grad and leaf.is_leaf for _, leaf in other.named_parameters())


def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    filled().save(tmp_path / "p.st")
    assert (tmp_path / "p.st").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_an_empty_store_can_be_saved(tmp_path: Path) -> None:
    ParamStore().save(tmp_path / "p.st")
    store = filled()
    store.load(tmp_path / "p.st")
    assert len(store) == 0


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path: Path) -> None:
    store = ParamStore()
    store.setdefault("a", torch.tensor([1.0, 2.0]), constraints.positive)
    store.save(tmp_path / "good.st")
    good, bad = (tmp_path / "good.st").read_bytes(), tmp_path / "bad.st"
    victim = ParamStore()
    victim["kept"] = torch.tensor(1.0)
    damaged = [good[:cut] for cut in range(0, len(good), 7)]
    damaged += [good[:place] + bytes([good[place] ^ 0x15]) + good[place + 1 :] for place in range(len(good))]
    for content in damaged:
        bad.write_bytes(content)
        with pytest.raises(FileFormatError):
            victim.load(bad)
    assert victim.keys() == ["kept"]


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "other.st")
    with pytest.raises(FileFormatError, match="no parameter file"):
        ParamStore().load(tmp_path / "other.st")
    torch.save({"params": {}, "constraints": {}}, tmp_path / "pickle.pt")
    with pytest.raises(FileFormatError, match="load_pickle"):
        ParamStore().load(tmp_path / "pickle.pt")


def test_a_missing_file_is_reported_as_such(tmp_path: Path) -> None:
    store = filled()
    for load in (store.load, store.load_pickle):
        with pytest.raises(FileNotFoundError, match=r"missing\.st"):
            load(tmp_path / "missing.st")
    assert len(store) == 6


def test_a_failed_save_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, path = filled(), tmp_path / "p.st"
    store.save(path)
    former = path.read_bytes()

    def fail(*args: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        store.save(path)
    assert path.read_bytes() == former
    assert [file.name for file in tmp_path.iterdir()] == ["p.st"]


def test_a_constraint_that_the_format_does_not_know_is_named(tmp_path: Path) -> None:
    class Odd(constraints.Constraint):
        event_dim = 0
        is_discrete = False

        def check(self, value: torch.Tensor) -> torch.Tensor:
            return torch.ones_like(value, dtype=torch.bool)

    torch.distributions.transform_to.register(Odd, lambda constraint: torch.distributions.transforms.identity_transform)
    store = ParamStore()
    store.setdefault("odd", torch.tensor(1.0), Odd())
    with pytest.raises(StoreError, match="'odd'"):
        store.save(tmp_path / "p.st")
    assert list(tmp_path.iterdir()) == []


class _Bomb:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("bomb-went-off",))


def test_no_code_of_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": {"a": torch.ones(1)}, "constraints": {"a": _Bomb()}}, tmp_path / "bomb.pt")
    (tmp_path / "raw.pkl").write_bytes(pickle.dumps(_Bomb()))
    store = filled()
    for name in ("bomb.pt", "raw.pkl"):
        with pytest.raises(FileFormatError):
            store.load(tmp_path / name)
        with pytest.raises(FileFormatError):
            store.load_pickle(tmp_path / name)
    assert not (tmp_path / "bomb-went-off").exists()
    assert len(store) == 6


def test_a_pickled_store_of_the_lineage_is_read_by_an_explicit_call(tmp_path: Path) -> None:
    state = {
        "params": {"rate": torch.tensor(0.5), "loc": torch.zeros(2)},
        "constraints": {"rate": torch.distributions.constraints.positive, "loc": constraints.real},
    }
    torch.save(state, tmp_path / "old.pt")
    store = ParamStore()
    store.load_pickle(tmp_path / "old.pt")
    assert store["rate"].item() == pytest.approx(torch.tensor(0.5).exp().item())
    assert store["loc"].tolist() == [0.0, 0.0]
    assert all(leaf.requires_grad for _, leaf in store.named_parameters())
    torch.save({"weights": 1}, tmp_path / "foreign.pt")
    with pytest.raises(FileFormatError, match="no parameter store"):
        store.load_pickle(tmp_path / "foreign.pt")
