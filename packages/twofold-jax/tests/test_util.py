"""Laws of the switches of the process."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest

import twofold_jax as tf


def test_equal_seeds_give_equal_numbers_in_python_and_numpy() -> None:
    draws = []
    for _ in range(2):
        tf.set_rng_seed(3)
        draws.append((random.random(), np.random.rand()))
    assert draws[0] == draws[1]


@pytest.mark.parametrize("number", [0, -1, 1.5, True])
def test_the_number_of_devices_is_positive(number: int) -> None:
    with pytest.raises(ValueError, match="number of devices"):
        tf.set_host_device_count(number)


def test_devices_and_platform_are_chosen_before_anything_runs() -> None:
    program = (
        "import twofold_jax as tf, jax; tf.set_platform('cpu');"
        "tf.set_host_device_count(2); tf.set_host_device_count(3);"
        "print(jax.device_count(), jax.default_backend())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    assert run.stdout.split() == ["3", "cpu"]


def test_the_import_brings_no_optimisers() -> None:
    program = "import sys, twofold_jax; print('optax' in sys.modules, 'numpyro' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    assert run.stdout.split() == ["False", "False"]
