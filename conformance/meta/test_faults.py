"""Every planted fault is a fault: it is noticed where it should be, says so, and leaves nothing behind."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from twofold_conformance.clauses import load
from twofold_conformance.faults import FAULTS
from twofold_conformance.faults.planting import area, everywhere, swap
from twofold_conformance.mutants import examine
from twofold_conformance.reference import plates, statements, traces
from twofold_conformance.reference.adapter import StatefulReference, StatelessReference

AREAS = sorted({fault.area for fault in FAULTS.values()})
TRIED_ON_PEERS = [
    "obs_by_truth",
    "infer_dict_shared",
    "duplicate_overwrites",
    "param_init_every_time",
    "clear_keeps_constraints",
    "param_later_constraint_wins",
    "event_dim_ignored_position",
    "load_drops_constraints",
    "plate_no_scale",
    "plate_scale_inverted",
    "plate_scales_only_observed",
    "plate_scale_overwrites_outer",
    "plate_no_broadcast",
    "plate_shared_draw",
    "subsample_with_replacement",
    "subsample_first_b",
    "dim_not_freed_on_exception",
    "factor_not_observed",
    "factor_summed",
    "mask_multiplies",
    "mask_replaces_inner",
    "mask_ored",
    "logprob_sum_ignores_scale",
    "scale_not_nested",
    "trace_accumulates",
    "replay_overrides_obs",
    "seed_no_restore",
    "seed_same_key",
    "substitute_marks_observed",
    "condition_not_observed",
    "condition_touches_params",
    "condition_yields_to_obs",
    "block_stops_inner_value",
    "block_no_key",
    "lift_resamples_each_time",
    "scope_outer_last",
    "validation_not_restored_on_error",
]
"""Faults that were planted in Pyro and NumPyro themselves when the clauses were written."""


@pytest.mark.parametrize("name", AREAS)
def test_every_clause_notices_the_faults_that_it_names_and_says_so(name: str) -> None:
    found = [problem for fault in FAULTS.values() if fault.area == name for problem in examine(fault.name).problems()]
    assert not found, "\n".join(found)


def test_every_must_clause_names_a_fault() -> None:
    idle = [c.id for c in load().values() if c.level == "must" and not c.untested and not c.faults]
    assert not idle


def test_faults_tried_on_the_peers_are_among_them() -> None:
    assert set(TRIED_ON_PEERS) <= set(FAULTS)
    assert len(FAULTS) >= 80


def test_descriptions_and_patterns_say_something() -> None:
    descriptions = [fault.description for fault in FAULTS.values()]
    assert len(set(descriptions)) == len(descriptions)
    for fault in FAULTS.values():
        assert len(fault.pattern) >= 4, fault.name
        assert not re.search(fault.pattern, ""), fault.name


def test_planting_a_fault_leaves_the_reference_as_it_was() -> None:
    before = _everything()
    for fault in FAULTS.values():
        with fault.apply():
            planted = _everything()
        after = _everything()
        assert planted != before, fault.name
        assert after == before, fault.name


def _everything() -> dict[str, int]:
    """The identity of every function, class member and constant of the reference."""
    found = {}
    modules = [
        (name, module) for name, module in sys.modules.items() if name.startswith("twofold_conformance.reference")
    ]
    for module_name, module in modules:
        for name, value in vars(module).items():
            found[f"{module_name}.{name}"] = id(value)
            if isinstance(value, type) and value.__module__ == module_name:
                members = {key: member for key, member in vars(value).items() if key not in ("__dict__", "_abc_impl")}
                found.update({f"{module_name}.{name}.{key}": id(member) for key, member in members.items()})
    return found


@pytest.mark.parametrize("adapter", [StatefulReference, StatelessReference])
def test_a_fault_ends_with_its_block_also_after_an_error(adapter: type) -> None:
    def scale_inside() -> Any:
        reference = adapter()

        def model() -> None:
            with reference.ppl().plate("rows", 6, subsample_size=2):
                reference.ppl().sample("height", reference.dist().Normal(0.0, 1.0))

        with reference.fresh():
            return float(reference.run(model).sites["height"].scale)

    assert scale_inside() == 3.0
    with FAULTS["plate_no_scale"].apply():
        assert scale_inside() == 1.0
    with pytest.raises(KeyError), FAULTS["plate_no_scale"].apply():
        raise KeyError
    assert scale_inside() == 3.0


def test_a_function_is_replaced_wherever_it_is_known() -> None:
    original = statements.check_name

    def replacement(name: Any) -> None:
        return None

    with everywhere(original, replacement):
        assert statements.check_name is replacement
        assert plates.check_name is replacement
    assert statements.check_name is plates.check_name is original


def test_swap_restores_a_method() -> None:
    original = traces.trace.start
    with swap(traces.trace, "start", None):
        assert traces.trace.start is None
    assert traces.trace.start is original


def test_a_name_is_given_to_one_fault_only() -> None:
    name = next(iter(FAULTS))
    with pytest.raises(ValueError, match=name):
        area("SAMPLE")(name, "again", "again")(lambda: ())
