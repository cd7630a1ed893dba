"""Skeleton and smoke checks: the two aids to whoever writes an adapter."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from twofold_conformance.loading import AdapterError, load_adapter, problems_of
from twofold_conformance.reference.adapter import StatefulReference, StatelessReference
from twofold_conformance.scaffold import skeleton
from twofold_conformance.smoke import EXAMINATIONS, examine

BROKEN = Path(__file__).with_name("broken.py")


@pytest.mark.parametrize("adapter", [StatefulReference(), StatelessReference()], ids=lambda adapter: adapter.flavour)
def test_sound_adapter_passes_every_examination(adapter) -> None:
    assert [finding for finding in examine(adapter) if finding[1] is not None] == []


def test_there_are_about_twenty_five_examinations() -> None:
    assert len(EXAMINATIONS) >= 25


class WrongChoice(StatefulReference):
    choices = {"PLATE-025": "C"}


class NoSeed(StatefulReference):
    def call(self, fn, *args, seed=0, **kwargs):
        return fn(*args, **kwargs)


class Unscaled(StatefulReference):
    def run(self, model, *args, seed=0, **kwargs):
        run = super().run(model, *args, seed=seed, **kwargs)
        for site in run.sites.values():
            site.log_prob = site.unscaled
        return run


class Lists(StatefulReference):
    def xp(self):
        inner = super().xp()
        return type("Lists", (type(inner),), {"numpy": lambda self, value: list(inner.numpy(value))})()


FINDINGS = {
    WrongChoice: ("facts: name, version, choices", "PLATE-025 offers A, B, not 'C'"),
    NoSeed: ("run() repeats with one seed and differs with another", "seed=0 and seed=1 give one value"),
    Unscaled: ("run() shows the plates of a site, and scale and unscaled apart", "log_prob is not scale * unscaled"),
    Lists: ("xp: floats make the round trip as float64", "numpy(array([0.5, -2])) is ["),
}


@pytest.mark.parametrize(("adapter", "finding"), FINDINGS.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_unsound_adapter_is_told_what_to_mend(adapter, finding: tuple[str, str]) -> None:
    title, message = finding
    problem = dict(examine(adapter()))[title]
    assert problem is not None
    assert message in problem


def test_exception_in_the_adapter_is_told_with_its_line() -> None:
    problems = dict(examine(load_adapter(f"{BROKEN}:Clumsy")))
    problem = problems["run() shows a latent site"]
    assert problem is not None
    assert "AttributeError: the adapter has a misspelt attribute" in problem
    assert "broken.py" in problem


@pytest.mark.parametrize("flavour", ["stateful", "stateless"])
def test_skeleton_is_an_adapter_as_soon_as_its_module_exists(
    flavour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("mylang")
    module.distributions = SimpleNamespace(constraints=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mylang", module)
    path = tmp_path / "mylang_adapter.py"
    path.write_text(skeleton("mylang", flavour), encoding="utf-8")
    adapter = load_adapter(f"{path}:Adapter")
    assert adapter.flavour == flavour
    findings = dict(examine(adapter))
    assert findings["xp: floats make the round trip as float64"] is None
    assert findings["ppl() has the statements that the capabilities promise"] is not None


def test_skeleton_lists_the_choices_of_its_flavour() -> None:
    assert "HANDLER-036" in skeleton("mylang", "stateless")
    assert "HANDLER-036" not in skeleton("mylang", "stateful")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mylang", "expected package.module:Name"),
        ("no/such/file.py:Adapter", "there is no file no/such/file.py"),
        (f"{BROKEN}:Nobody", "it defines Loud"),
        (f"{BROKEN}:Unfinished", "making the adapter raised RuntimeError: no licence"),
        (f"{BROKEN}:Boaster", "unknown capabilities plate.levitating"),
    ],
)
def test_address_that_leads_nowhere_is_explained(address: str, message: str) -> None:
    with pytest.raises(AdapterError) as caught:
        load_adapter(address)
    assert message in str(caught.value)


def test_object_that_is_no_adapter_is_told_what_it_lacks() -> None:
    assert "the adapter lacks name, version" in problems_of(object())[0]
