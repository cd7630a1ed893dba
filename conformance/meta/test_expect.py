"""Every assertion holds where it should and speaks where it should not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from twofold_conformance.expect import Expect, Violation

expect = Expect()
NAN = float("nan")


def give(value: object):
    return lambda: value


def complain(error: Exception):
    def call() -> None:
        raise error

    return call


def warn(text: str, kind: type[Warning] = UserWarning):
    return lambda: warnings.warn(text, kind)


HOLDS = {
    "close": lambda: expect.close([1.0, NAN], [1.0 + 1e-7, NAN], "x"),
    "close scalar": lambda: expect.close(2.0, 2, "x"),
    "equal": lambda: expect.equal({"a": 1}, {"a": 1}, "x"),
    "equal arrays": lambda: expect.equal(np.arange(3), np.arange(3), "x"),
    "different": lambda: expect.different(np.arange(3), np.arange(4), "x"),
    "shape": lambda: expect.shape(np.zeros((2, 3)), (2, 3), "x"),
    "true": lambda: expect.true(np.bool_(True), "x"),
    "same_object": lambda: expect.same_object(expect, expect, "x"),
    "contains": lambda: expect.contains(iter("abc"), "b", "x"),
    "raises": lambda: expect.raises(complain(KeyError("rows")), "x", kinds=["LookupError"], names=["rows"]),
    "warns": lambda: expect.warns(warn("rows", FutureWarning), "x", kinds=["FutureWarning"], names=["rows"]),
    "silent": lambda: expect.silent(give(1), "x"),
}

BREAKS = {
    "close value": (
        lambda: expect.close([1.0, 2.0], [1.0, 3.0], "density"),
        "most at (1,): 2 for 3",
    ),
    "close shape": (lambda: expect.close([1.0], 1.0, "density"), "shape of density"),
    "close factor": (lambda: expect.close(9.0, 3.0, "density"), "(3 x expected)"),
    "close none": (lambda: expect.close(None, 3.0, "density"), "None"),
    "close nan": (lambda: expect.close(NAN, 3.0, "density"), "nan"),
    "equal": (lambda: expect.equal(1, 2, "name"), "expected: 2"),
    "equal shape": (lambda: expect.equal(np.zeros(1), np.zeros(2), "name"), "expected: array([0., 0.])"),
    "different": (lambda: expect.different(np.zeros(2), np.zeros(2), "draw"), "another value"),
    "shape": (lambda: expect.shape(np.zeros(2), (3,), "draw"), "expected: (3,)"),
    "true": (lambda: expect.true(0, "flag", seen="off"), "seen:     off"),
    "same_object": (lambda: expect.same_object([], [], "list"), "another object"),
    "contains": (lambda: expect.contains([1], 2, "list"), "2 among them"),
    "raises nothing": (lambda: expect.raises(give(5), "call"), "no error; the result was 5"),
    "raises kind": (lambda: expect.raises(complain(KeyError("a")), "call", kinds=["TypeError"]), "of kind TypeError"),
    "raises name": (lambda: expect.raises(complain(KeyError("a")), "call", names=["rows"]), "that names rows"),
    "warns nothing": (lambda: expect.warns(give(1), "call"), "no warning"),
    "warns kind": (lambda: expect.warns(warn("a"), "call", kinds=["FutureWarning"]), "of kind FutureWarning"),
    "warns name": (lambda: expect.warns(warn("a"), "call", names=["rows"]), "that names rows"),
    "silent": (lambda: expect.silent(warn("a"), "call"), "UserWarning: a"),
    "hint": (lambda: expect.equal(1, 2, "name", hint="look at the scale"), "hint:     look at the scale"),
}


@pytest.mark.parametrize("call", HOLDS.values(), ids=HOLDS)
def test_helper_accepts_what_is_right(call) -> None:
    call()


@pytest.mark.parametrize(("call", "message"), BREAKS.values(), ids=BREAKS)
def test_helper_says_what_is_wrong(call, message: str) -> None:
    with pytest.raises(Violation) as caught:
        call()
    assert message in str(caught.value)


def test_raises_gives_back_the_error() -> None:
    error = KeyError("rows")
    assert expect.raises(complain(error), "call") is error


def test_violation_inside_raises_is_not_the_awaited_error() -> None:
    with pytest.raises(Violation, match="inner"):
        expect.raises(lambda: expect.equal(1, 2, "inner"), "outer")


def test_mistake_in_the_adapters_lines_is_not_the_awaited_error() -> None:
    """An adapter that lacks a handler raises AttributeError in its own file: no evidence about the implementation."""
    strict = Expect(adapter_files=[__file__])
    with pytest.raises(AttributeError):
        strict.raises(lambda: object().nothing, "call")
    strict.raises(lambda: object().nothing, "call", kinds=["AttributeError"])
