"""VALID: switching validation on and off."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np

from twofold_conformance.laws._tools import Interrupted
from twofold_conformance.oracles import densities
from twofold_conformance.probe import ask
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("VALID-001")
def arguments_are_validated(k: Kit) -> None:
    bad = {
        "Normal with scale -1": lambda: k.dist.Normal(0.0, k.xp.array(-1.0)),
        "Exponential with rate -2": lambda: k.dist.Exponential(k.xp.array(-2.0)),
        "Bernoulli with probs 1.5": lambda: k.dist.Bernoulli(probs=k.xp.array(1.5)),
    }
    for what, make in bad.items():
        k.expect.raises(make, what, kinds=["ValueError"])


@clause("VALID-001", case="one entry of many")
def every_entry_is_validated(k: Kit) -> None:
    k.expect.raises(
        lambda: k.dist.Normal(0.0, k.xp.array([1.0, 2.0, -1.0])), "Normal with one bad scale", kinds=["ValueError"]
    )


@clause("VALID-002")
def arguments_are_not_validated_when_off(k: Kit) -> None:
    k.adapter.set_validation(False)
    k.expect.silent(lambda: k.dist.Normal(0.0, k.xp.array(-1.0)), "Normal with scale -1, validation off")


@clause("VALID-003")
def flag_is_set_inside_and_restored(k: Kit) -> None:
    for before in (True, False):
        k.adapter.set_validation(before)
        for inside in (True, False):
            with k.adapter.validation_enabled(inside):
                k.expect.equal(k.adapter.is_validation_on(), inside, f"flag inside validation_enabled({inside})")
            k.expect.equal(k.adapter.is_validation_on(), before, f"flag after validation_enabled({inside})")


@clause("VALID-003", case="it acts")
def flag_acts_inside_the_context(k: Kit) -> None:
    def make() -> Any:
        return k.dist.Normal(0.0, k.xp.array(-1.0))

    with k.adapter.validation_enabled(False):
        make()
    k.expect.raises(make, "Normal with scale -1 after validation_enabled(False)", kinds=["ValueError"])
    k.adapter.set_validation(False)
    with k.adapter.validation_enabled(True):
        k.expect.raises(make, "Normal with scale -1 inside validation_enabled(True)", kinds=["ValueError"])
    make()


@clause("VALID-004")
def flag_is_restored_after_an_exception(k: Kit) -> None:
    for before in (True, False):
        k.adapter.set_validation(before)
        with contextlib.suppress(Interrupted), k.adapter.validation_enabled(not before):
            raise Interrupted
        k.expect.equal(k.adapter.is_validation_on(), before, "flag after a context whose body raised")


@clause("VALID-005")
def nested_contexts_restore_in_order(k: Kit) -> None:
    seen = []
    with k.adapter.validation_enabled(False):
        with k.adapter.validation_enabled(True):
            with k.adapter.validation_enabled(False):
                seen.append(k.adapter.is_validation_on())
            seen.append(k.adapter.is_validation_on())
        seen.append(k.adapter.is_validation_on())
    seen.append(k.adapter.is_validation_on())
    k.expect.equal(seen, [False, True, False, True], "flags from the inside out")


@clause("VALID-006")
def no_argument_means_on(k: Kit) -> None:
    k.adapter.set_validation(False)
    with k.adapter.validation_enabled():
        k.expect.equal(k.adapter.is_validation_on(), True, "flag inside validation_enabled()")
    k.expect.equal(k.adapter.is_validation_on(), False, "flag after validation_enabled()")
    k.adapter.set_validation(None)
    k.expect.equal(k.adapter.is_validation_on(), True, "flag after enable_validation()")


@clause("VALID-007")
def support_is_checked(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("wait", k.dist.Exponential(1.0), obs=k.xp.array(-1.0))

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            told = [*k.run(model).warnings, *(str(warning.message) for warning in caught)]
    except ValueError:
        return
    k.expect.true(told, "an observation outside the support raises ValueError or warns", seen="neither")


@clause("VALID-008")
def nan_density_names_the_site(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("weight", k.dist.Normal(k.xp.array(0.0), k.xp.array(np.inf)), obs=k.xp.array(np.inf))

    def told() -> Any:
        try:
            return k.run(model).warnings
        except Exception as error:  # an error that names the site says more than a warning
            return [str(error)]

    k.adapter.set_validation(False)
    quiet = [text for text in told() if "weight" in text]
    k.expect.equal(quiet, [], "warnings about a NaN density with validation off")
    k.adapter.set_validation(True)
    loud = told()
    k.expect.true(any("weight" in text for text in loud), "a NaN density is reported by site", seen=loud)


@clause("VALID-009", case="laws, sites and handlers", needs=("handler.substitute",))
def one_switch_for_all_checks(k: Kit) -> None:
    def model() -> None:
        k.ppl.param("loc", k.xp.array(1.0))
        k.ppl.sample("height", k.dist.Normal(0.0, k.xp.array(-1.0)), obs=k.xp.array(0.5))
        k.ppl.sample("wait", k.dist.Exponential(1.0), obs=k.xp.array(-1.0))

    def program() -> Any:
        data = {"unheard": k.xp.array(1.0)}
        return k.trace(k.handler("substitute", model, data=data))

    k.adapter.set_validation(False)
    k.expect.silent(program, "a bad scale, a value outside the support and an unused name with validation off")
    k.expect.silent(program, "the same a second time")
    k.adapter.set_validation(True)
    k.expect.raises(lambda: k.dist.Normal(0.0, k.xp.array(-1.0)), "a bad scale with validation on")


@clause("VALID-009", case="it persists")
def switch_persists(k: Kit) -> None:
    k.adapter.set_validation(False)
    for turn in range(3):
        k.run(lambda: k.ppl.sample("height", k.dist.Normal(0.0, 1.0)))
        k.expect.equal(k.adapter.is_validation_on(), False, f"flag after run {turn}")


@clause("VALID-010", slow=True)
def initial_state(k: Kit) -> None:
    k.expect.contains(("on", "off"), k.choice, "declared alternative")
    seen = ask(k.adapter, "validation", optimised=False)
    k.expect.equal("on" if seen else "off", k.choice, "flag in a fresh process, right after the import")


@clause("VALID-011")
def validation_changes_no_values(k: Kit) -> None:
    def model() -> None:
        height = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        with k.ppl.plate("rows", 3):
            k.ppl.sample("wait", k.dist.Exponential(2.0))
        k.ppl.sample("weight", k.dist.Normal(height, 1.0), obs=k.xp.array(0.5))

    runs = []
    for flag in (True, False):
        k.adapter.set_validation(flag)
        runs.append(k.run(model, seed=3))
    on, off = runs
    for name, site in on.sites.items():
        k.expect.equal(off.sites[name].value, site.value, f"value of {name} with validation off")
    k.expect.close(off.log_density, on.log_density, "joint log density with validation off")
    waits, height = on.sites["wait"].value, on.sites["height"].value
    expected = densities.normal(height) + densities.exponential(waits, 2.0).sum() + densities.normal(0.5, height)
    k.expect.close(on.log_density, expected, "joint log density")
