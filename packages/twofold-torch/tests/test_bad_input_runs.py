"""Runs that end badly: exceptions, abandoned loops and generators, damaged files, and Python without asserts."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

import twofold_torch as tf
from twofold_torch import FileFormatError, SiteTypeError, StoreError, handlers, param, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.distributions import constraints
from twofold_torch.runtime import active_handlers

Refuses = Callable[..., AbstractContextManager[None]]


def seeded_run() -> list[float]:
    """What a fresh process gives: the values of a small seeded model with a batch."""

    def model() -> None:
        z = sample("z", dist.Normal(0.0, 1.0))
        with plate("rows", 5, subsample_size=2):
            sample("x", dist.Normal(z, 1.0))

    sites = handlers.trace(handlers.seed(model, rng_seed=0)).get_trace()
    assert [frame.name for frame in sites.nodes["x"]["cond_indep_stack"]] == ["rows"]
    return [sites.nodes["z"]["value"].item(), *sites.nodes["x"]["value"].tolist()]


def fails_in_a_plate() -> None:
    with plate("rows", 5), handlers.scale(scale=2.0), plate("columns", 3):
        sample("x", dist.Normal(0.0, 1.0))
        raise ZeroDivisionError


def fails_in_a_loop() -> None:
    for i in plate("rows", 5):
        sample(f"x_{i}", dist.Normal(0.0, 1.0))
        raise ZeroDivisionError


def fails_in_a_law() -> None:
    with plate("rows", 5):
        sample("x", dist.Normal(0.0, -1.0))


def fails_in_a_nested_model() -> None:
    with handlers.trace(), handlers.mask(mask=False):
        handlers.condition(fails_in_a_plate, data={"x": torch.zeros(3, 5)})()


@pytest.mark.parametrize("model", [fails_in_a_plate, fails_in_a_loop, fails_in_a_law, fails_in_a_nested_model])
def test_an_exception_leaves_no_handler_and_the_next_run_as_in_a_fresh_process(model: Callable[[], None]) -> None:
    expected = seeded_run()
    for program in (model, handlers.trace(model), handlers.seed(handlers.trace(model), rng_seed=1)):
        with pytest.raises((ZeroDivisionError, tf.SupportError)) as kept:
            program()
        assert active_handlers() == ()
        assert seeded_run() == expected
        del kept
    assert len(tf.get_param_store()) == 0


def test_a_failed_parameter_leaves_those_before_it_and_nothing_of_its_own() -> None:
    def model() -> None:
        param("good", torch.tensor(1.0))
        param("bad", torch.tensor(-1.0), constraint=constraints.positive)

    with pytest.raises(tf.SupportError, match="'bad'"):
        handlers.trace(model).get_trace()
    assert tf.get_param_store().keys() == ["good"]
    assert param("bad", torch.tensor(-1.0)).item() == -1.0  # no constraint lingers


def test_a_loop_left_by_break_return_or_an_error_ends_its_plate() -> None:
    def left_by_break() -> None:
        for i in plate("rows", 5, subsample_size=3):
            sample(f"x_{i}", dist.Normal(0.0, 1.0))
            break
        sample("after", dist.Normal(0.0, 1.0))

    site = handlers.trace(left_by_break).get_trace().nodes["after"]
    assert (site["cond_indep_stack"], site["scale"]) == ((), 1.0)


def held(name: str = "rows") -> Iterator[int]:
    with plate(name, 5), handlers.scale(scale=3.0):
        yield 1


def test_a_generator_dropped_half_way_takes_its_plate_along() -> None:
    def model() -> None:
        generator = held()
        next(generator)
        del generator
        gc.collect()
        sample("after", dist.Normal(0.0, 1.0))

    site = handlers.trace(model).get_trace().nodes["after"]
    assert (site["cond_indep_stack"], site["scale"]) == ((), 1.0)


def test_a_generator_that_outlives_its_run_touches_no_other() -> None:
    expected = seeded_run()

    def model() -> Iterator[int]:
        generator = held()
        next(generator)
        return generator

    generator = handlers.trace(model)()
    assert active_handlers() == ()
    with plate("other", 2), handlers.mask(mask=True):
        generator.close()
        assert [type(handler).__name__ for handler in active_handlers()] == ["plate", "mask"]
    assert seeded_run() == expected


def test_a_generator_that_another_thread_collects_is_off_the_stack_at_the_next_run() -> None:
    expected, box = seeded_run(), [held()]
    next(box[0])
    other = threading.Thread(target=lambda: (box.clear(), gc.collect()))
    other.start()
    other.join()
    assert seeded_run() == expected
    assert active_handlers() == ()


# Files


def checksum(values: torch.Tensor) -> int:
    return zlib.crc32(values.reshape(-1).view(torch.uint8).numpy().tobytes())


VALUES = torch.tensor([1.0, 2.0])
GOOD = {"key": "param_0", "constraint": {"name": "real"}, "dtype": "float32", "checksum": checksum(VALUES)}
GOOD["is_parameter"] = False


def write(path: Path, listing: Any, **tensors: torch.Tensor) -> None:
    """A file whose checksums are right, whatever it lists."""
    text = listing if isinstance(listing, str) else json.dumps(listing)
    metadata = {"format": "twofold_torch.params", "version": "1", "params": text}
    metadata["checksum"] = str(zlib.crc32(text.encode()))
    path.write_bytes(save(tensors or {"param_0": VALUES}, metadata))


WHOLE = torch.tensor([1, 2])
LISTINGS: dict[str, tuple[Any, ...]] = {
    "a list": ([1, 2], "list of parameters"),
    "words": ('"abc"', "list of parameters"),
    "no JSON": ("{{{", "JSONDecodeError"),
    "an entry that is none": ({"a": "x"}, "'a'", "'x'"),
    "an entry without its keys": ({"a": {"key": "param_0"}}, "'a'", "dtype (str)"),
    "a dtype that is a number": ({"a": {**GOOD, "dtype": 3}}, "'a'", "dtype (str)"),
    "a dtype that is a function": ({"a": {**GOOD, "dtype": "load"}}, "'a'", "load"),
    "another dtype": ({"a": {**GOOD, "dtype": "float64"}}, "'a'", "torch.float32", "torch.float64"),
    "a flag in words": ({"a": {**GOOD, "is_parameter": "no"}}, "'a'", "is_parameter (bool)"),
    "a constraint of another world": ({"a": {**GOOD, "constraint": {"name": "os.system"}}}, "'a'", "os.system"),
    "one name twice": (f'{{"a": {json.dumps(GOOD)}, "a": {json.dumps(GOOD)}}}', "'a' stands there twice"),
    "one tensor for two names": ({"a": GOOD, "b": GOOD}, "param_0, param_0"),
}


@pytest.mark.parametrize("case", LISTINGS.values(), ids=LISTINGS)
def test_a_file_with_a_false_listing_is_refused(refuses: Refuses, tmp_path: Path, case: tuple[Any, ...]) -> None:
    param("kept", torch.tensor(1.0))
    listing, *words = case
    write(tmp_path / "bad.st", listing)
    with refuses(FileFormatError, "bad.st", *words):
        tf.get_param_store().load(tmp_path / "bad.st")


def test_a_file_of_integers_is_refused(refuses: Refuses, tmp_path: Path) -> None:
    write(tmp_path / "bad.st", {"a": {**GOOD, "dtype": "int64", "checksum": checksum(WHOLE)}}, param_0=WHOLE)
    with refuses(FileFormatError, "'a'", "int64"):
        tf.get_param_store().load(tmp_path / "bad.st")


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"\xff" * 8 + b"{}", bytes(range(256)) * 20])
def test_a_file_of_anything_else_is_refused(refuses: Refuses, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.st").write_bytes(content)
    with refuses(FileFormatError, "bad.st", "ParamStore.save"):
        tf.get_param_store().load(tmp_path / "bad.st")
    with refuses(FileFormatError, str(tmp_path), "folder"):
        tf.get_param_store().load(tmp_path)


def test_a_state_that_is_none_and_a_name_that_is_none_are_refused(refuses: Refuses) -> None:
    param("kept", torch.tensor(1.0))
    store = tf.get_param_store()
    for state in (None, {"params": {"a": 3}, "constraints": {"a": constraints.real}}, {"params": {}}):
        with refuses(StoreError, "state of a parameter store"):
            store.set_state(state)
    with refuses(SiteTypeError, "3 of type int"):
        store[3] = torch.tensor(1.0)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        tf.get_param_store().save(tmp_path / "nowhere" / "p.st")


def test_refusals_hold_where_python_drops_asserts() -> None:
    program = """
import torch, twofold_torch as tf, twofold_torch.distributions as dist
from twofold_torch import handlers
from twofold_torch.infer import MCMC, NUTS

assert False, "asserts are on"

def twice():
    tf.sample("x", dist.Normal(0.0, 1.0))
    tf.sample("x", dist.Normal(0.0, 1.0))

def column():
    with tf.plate("p", 5):
        tf.sample("x", dist.Normal(0.0, 1.0), obs=torch.zeros(5, 1))

def one_dim():
    with tf.plate("p", 5, dim=-1), tf.plate("q", 5, dim=-1):
        tf.sample("x", dist.Normal(0.0, 1.0))

def discrete():
    tf.sample("x", dist.Bernoulli(0.5))

def outside():
    tf.sample("x", dist.LogNormal(0.0, 1.0), obs=torch.tensor(0.0))

for program, error in (
    (handlers.trace(twice).get_trace, tf.DuplicateSiteError),
    (handlers.trace(column).get_trace, tf.ShapeError),
    (one_dim, tf.PlateError),
    (lambda: handlers.trace(outside).get_trace().log_prob_sum(), tf.SupportError),
    (lambda: dist.Normal(0.0, -1.0), tf.SupportError),
    (lambda: tf.param("s", -1.0, constraint=dist.constraints.positive), tf.SupportError),
    (lambda: handlers.condition(outside), tf.HandlerError),
    (lambda: tf.get_param_store().set_state({}), tf.StoreError),
    (lambda: MCMC(NUTS(discrete), num_samples=2, progress_bar=False).run(), tf.InferenceError),
    (lambda: MCMC(NUTS(discrete)), tf.HandlerError),
):
    try:
        program()
    except error as caught:
        print(type(caught).__name__)
    else:
        raise SystemExit(f"{error.__name__} was not raised")
"""
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split().count("SupportError") == 3
