"""Triangular factors against dense algebra."""

import torch

from twofold_torch.ops.linalg import cholesky, cholesky_of_inverse, squared_length


def _matrix():
    torch.manual_seed(0)
    factor = torch.randn(2, 4, 4, dtype=torch.float64)
    return factor @ factor.mT + torch.eye(4, dtype=torch.float64)


def test_cholesky_of_inverse_factors_the_inverse():
    matrix = _matrix()
    factor, positive = cholesky_of_inverse(matrix)
    assert bool(positive.all())
    torch.testing.assert_close(factor @ factor.mT, torch.linalg.inv(matrix))
    torch.testing.assert_close(factor, factor.tril())
    assert bool((factor.diagonal(dim1=-2, dim2=-1) > 0).all())


def test_flags_say_which_matrices_are_positive_definite():
    matrices = torch.stack([torch.eye(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]])])
    assert cholesky(matrices)[1].tolist() == [True, False]
    assert cholesky_of_inverse(matrices)[1].tolist() == [True, False]


def test_squared_length_broadcasts_and_equals_the_quadratic_form():
    matrix = _matrix()
    factor = torch.linalg.cholesky(matrix)
    x = torch.randn(5, 2, 4, dtype=torch.float64)
    expected = torch.einsum("abi,bij,abj->ab", x, torch.linalg.inv(matrix), x)
    torch.testing.assert_close(squared_length(factor, x), expected)
    torch.testing.assert_close(squared_length(factor[0], x[:, 0]), expected[:, 0])
    torch.testing.assert_close(squared_length(factor[0], x[0, 0]), expected[0, 0])
