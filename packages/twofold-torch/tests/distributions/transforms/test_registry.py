"""The registry finds what is registered here, with torch, and for base classes."""

import pytest
import torch

from twofold_torch.distributions import biject_to, transform_to
from twofold_torch.distributions import constraints as C
from twofold_torch.distributions import transforms as T


def test_discrete_and_dependent_constraints_have_no_transform():
    for constraint in (C.boolean, C.nonnegative_integer, C.one_hot, C.integer_interval(0, 3)):
        with pytest.raises(NotImplementedError, match="discrete"):
            biject_to(constraint)
    with pytest.raises(NotImplementedError, match="register"):
        biject_to(C.dependent)
    with pytest.raises(NotImplementedError, match="Sphere"):
        biject_to(C.sphere)


def test_a_users_constraint_may_be_registered_with_either_registry():
    class Mine(C.Constraint):
        pass

    class Theirs(C.Constraint):
        pass

    class Derived(Mine):
        pass

    biject_to.register(Mine)(lambda constraint: T.ExpTransform())
    torch.distributions.biject_to.register(Theirs, lambda constraint: T.TanhTransform())
    assert isinstance(biject_to(Mine()), T.ExpTransform)
    assert isinstance(biject_to(Theirs()), T.TanhTransform)
    assert isinstance(biject_to(Derived()), T.ExpTransform)
    with pytest.raises(NotImplementedError):
        torch.distributions.biject_to(Mine())


def test_torchs_own_registry_is_left_as_it_was():
    assert type(torch.distributions.biject_to(C.corr_cholesky)) is torch.distributions.CorrCholeskyTransform
    torchs = torch.distributions.constraints
    assert type(torch.distributions.biject_to(torchs.simplex)) is torch.distributions.StickBreakingTransform
    assert type(torch.distributions.biject_to(torchs.simplex)) is not T.StickBreakingTransform


def test_torchs_simplex_is_treated_as_ours():
    assert isinstance(biject_to(torch.distributions.constraints.simplex), T.StickBreakingTransform)
    assert isinstance(transform_to(C.simplex), T.SoftmaxTransform)


def test_parts_of_composed_constraints_use_this_registry():
    transform = transform_to(C.independent(C.positive, 1))
    assert float(transform(torch.full((1,), -1e4))) > 0
