"""Constraints survive JSON."""

import json

import pytest
import torch

from twofold_torch.distributions import constraints as C
from twofold_torch.errors import FileFormatError

SETTINGS = [
    C.interval(-1, 2),
    C.interval(-1.5, 2.0),
    C.open_interval(0.0, 3.0),
    C.half_open_interval(0.0, 3.0),
    C.greater_than(3),
    C.greater_than_eq(-2.5),
    C.less_than(float("inf")),
    C.integer_interval(2, 5),
    C.integer_greater_than(4),
    C.multinomial(7),
    C.zero_sum(2),
    C.greater_than(torch.tensor([1.0, float("inf")], dtype=torch.float64)),
    C.integer_interval(0, torch.tensor([[1, 2]])),
    C.independent(C.positive, 2),
    C.independent(C.independent(C.interval(0.0, 2.0), 1), 1),
    C.cat([C.real, C.positive], -1, [2, 3]),
    C.stack([C.real, C.interval(1.0, 2.0)], -1),
]
SINGLETONS = [
    "real boolean one_hot integer circular softplus_positive simplex sphere l1_ball ordered_vector",
    "positive_ordered_vector lower_triangular lower_cholesky corr_cholesky unit_lower_cholesky softplus_lower_cholesky",
    "scaled_unit_lower_cholesky corr_matrix square symmetric positive_definite positive_semidefinite",
    "positive nonnegative unit_interval nonnegative_integer positive_integer",
]


def _through_json(constraint):
    return C.from_spec(json.loads(json.dumps(C.to_spec(constraint), allow_nan=False)))


@pytest.mark.parametrize("constraint", SETTINGS, ids=repr)
def test_settings_survive_json(constraint):
    back = _through_json(constraint)
    assert type(back) is type(constraint)
    assert C.to_spec(back) == C.to_spec(constraint)
    assert (back.event_dim, back.is_discrete) == (constraint.event_dim, constraint.is_discrete)


@pytest.mark.parametrize("name", " ".join(SINGLETONS).split())
def test_constraints_without_settings_come_back_as_the_same_object(name):
    constraint = getattr(C, name)
    assert _through_json(constraint) is constraint


def test_tensor_bounds_keep_dtype_and_values():
    bound = torch.tensor([[0.1, float("-inf")]], dtype=torch.float64)
    back = _through_json(C.greater_than(bound))
    assert back.lower_bound.dtype == torch.float64
    assert torch.equal(back.lower_bound, bound)


def test_torchs_simplex_is_written_as_ours():
    assert _through_json(torch.distributions.constraints.simplex) is C.simplex


def test_constraints_of_others_are_refused_when_written():
    class Mine(C.Constraint):
        pass

    for constraint in (Mine(), C.dependent, C.independent(Mine(), 1), C.greater_than("a")):
        with pytest.raises(TypeError):
            C.to_spec(constraint)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "os.system"},
        {"name": "interval", "lower_bound": 0.0},
        {"name": "interval", "lower_bound": 0.0, "upper_bound": [1]},
        {"name": "interval", "lower_bound": 0.0, "upper_bound": "one"},
        {"name": "independent", "base_constraint": {"name": "real"}, "reinterpreted_batch_ndims": -1},
        {"name": "independent", "base_constraint": "real", "reinterpreted_batch_ndims": 1},
        {"name": ["real"]},
        {"name": "greater_than", "lower_bound": {"tensor": [1.0], "shape": [2], "dtype": "float32"}},
        {"name": "greater_than", "lower_bound": {"tensor": [1.0], "shape": [1], "dtype": "Module"}},
        {"name": "zero_sum", "event_dim": 0},
        {},
        [],
        None,
    ],
)
def test_damaged_descriptions_are_refused(spec):
    with pytest.raises(FileFormatError):
        C.from_spec(spec)
