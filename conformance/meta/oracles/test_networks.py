"""The networks' oracle against sums written out by hand."""

import numpy as np

from twofold_conformance.oracles.networks import forward, leaves, map_leaves


def test_single_layer_is_linear() -> None:
    values = {"weight": np.array([[2.0, -1.0]]), "bias": np.array([0.5])}
    assert forward(values, np.array([[1.0, 3.0]])).tolist() == [[2.0 * 1 - 1.0 * 3 + 0.5]]


def test_tanh_stands_between_layers_only() -> None:
    values = {
        "0.weight": np.array([[1.0], [2.0]]),
        "0.bias": np.array([0.0, 1.0]),
        "2.weight": np.array([[3.0, 4.0]]),
        "2.bias": np.array([-1.0]),
    }
    expected = 3.0 * np.tanh(0.5) + 4.0 * np.tanh(2.0) - 1.0
    np.testing.assert_allclose(forward(values, np.array([[0.5]])), [[expected]])


def test_leaves_follow_sorted_keys_and_positions() -> None:
    assert leaves([{"w": 2, "b": 1}, (), (3, [4])]) == [1, 2, 3, 4]


def test_map_leaves_keeps_the_tree() -> None:
    tree = [{"w": 2, "b": 1}, (), (3, [4])]
    assert map_leaves(lambda place, leaf: (place, leaf), tree) == [
        {"w": (1, 2), "b": (0, 1)},
        (),
        ((2, 3), [(3, 4)]),
    ]
