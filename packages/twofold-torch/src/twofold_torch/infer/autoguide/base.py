"""What every automatic guide does: look at the model once, then give each latent site a law with parameters."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform

from ...errors import HandlerError, InferenceError
from ...handlers import block
from ...messages import Message
from ...ops.shapes import sum_rightmost
from ...plates import plate
from ..initialization import InitStrategy, init_to_uniform
from ..placing import LatentSite, Placed
from ..potential import Potential, make_potential
from ..predictive import run_many

__all__ = ["AutoGuide"]

CreatePlates = Callable[..., plate | Iterable[plate]]


class AutoGuide(abc.ABC):
    """Base of the guides that are made from a model.

    A guide is called with the arguments of the model.  At its first call (or by `setup`) it runs the model once, to
    see the latent sites; from then on it gives each of them a law, under the same name, in the same plates.  Its
    parameters are in the store, their names begin with ``prefix``.

    Args:
        model: function of statements.
        init_loc_fn: strategy of ``infer.initialization`` that says where the guide starts.
        create_plates: function of the model's arguments that gives one or several plates of the model, for a plate
            whose rows the caller chooses (``subsample=``).
        prefix: first part of the parameters' names; two guides at the same time need two.  Default: the class's name.

    Raises:
        HandlerError: the model is no function.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        init_loc_fn: InitStrategy = init_to_uniform,
        *,
        create_plates: CreatePlates | None = None,
        prefix: str | None = None,
    ) -> None:
        name = type(self).__name__
        if not callable(model):
            raise HandlerError(f"{name} needs a model", seen=f"{model!r}", expected="a function of statements")
        self.model, self.init_loc_fn, self.create_plates = model, init_loc_fn, create_plates
        self.prefix = name if prefix is None else prefix
        self._potential: Potential | None = None
        self._start: dict[str, Tensor] = {}
        self._supports: dict[str, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw every latent site; the values by name."""
        if self._potential is None:
            self.setup(*args, **kwargs)
        with self._make_plates(args, kwargs) as plates:
            return self._draw(plates, args, kwargs)

    def setup(self, *args: Any, **kwargs: Any) -> None:
        """Look at the model anew, as the first call does: its latent sites, and where the guide starts.

        Args:
            *args: data of the model.
            **kwargs: likewise.

        Raises:
            InferenceError: the model has no latent site, a discrete one, or one that this guide cannot treat.
        """
        with block(), torch.no_grad():
            potential = make_potential(self.model, *args, **kwargs)
            if not potential.sites:
                raise InferenceError(
                    f"{type(self).__name__}: the model has no latent site",
                    suggestion="add a sample statement without obs; call the guide with the data of the model",
                )
            start = potential.gather(self._initial_value)
        self._check_sites(potential)
        self._potential = potential
        pieces = start.split([site.size for site in potential.sites])
        self._start = {
            site.name: piece.reshape(site.unconstrained_shape)
            for site, piece in zip(potential.sites, pieces, strict=True)
        }

    def _initial_value(self, site: Message) -> Any:
        self._supports[str(site["name"])] = site["fn"].support
        value = self.init_loc_fn(site)
        return init_to_uniform(site) if value is None else value

    @property
    def latent_sites(self) -> tuple[LatentSite, ...]:
        """The latent sites of the model, in order.

        Raises:
            InferenceError: the guide has not seen the model yet.
        """
        return self._prototype.sites

    @property
    def _prototype(self) -> Potential:
        if self._potential is None:
            raise InferenceError(
                f"this {type(self).__name__} has not seen its model yet",
                suggestion="call guide.setup(...) with the data, or train it first",
            )
        return self._potential

    # What a guide decides

    def _check_sites(self, potential: Potential) -> None:
        """Refuse sites that this guide cannot treat."""
        for site in potential.sites:
            for frame in site.frames:
                is_chosen = frame.full_size != frame.size and frame.name not in potential.subsamples
                if is_chosen and self.create_plates is None:
                    raise InferenceError(
                        f"site {site.name!r} lies in plate {frame.name!r}, whose rows the caller chooses (subsample=)",
                        expected="the guide to be told the same rows",
                        suggestion=f"{type(self).__name__}(model, create_plates=lambda *args: plate({frame.name!r}, "
                        "size, subsample=...))",
                    )

    @abc.abstractmethod
    def _draw(self, plates: Mapping[str, plate], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Tensor]:
        """Make the statements of the guide."""

    @abc.abstractmethod
    def _unconstrained_median(self) -> dict[str, Tensor]:
        """The median of each site in unconstrained space."""

    # Plates

    def _make_plates(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Plates:
        given = () if self.create_plates is None else self.create_plates(*args, **kwargs)
        named = {given.name: given} if isinstance(given, plate) else {each.name: each for each in given}
        for site in self._prototype.sites:
            for frame in site.frames:
                if frame.name in named or frame.dim is None:
                    continue
                if frame.size < 0:
                    named[frame.name] = plate(frame.name, dim=frame.dim)
                else:
                    named[frame.name] = plate(frame.name, frame.full_size, subsample_size=frame.size, dim=frame.dim)
        return _Plates(named)

    # Results

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The value of each latent site at the median of the guide; a subsampled site has all its rows.

        Args:
            *args: data of the model; needed only if the guide was never called.
            **kwargs: likewise.
        """
        self._ensure_setup(args, kwargs)
        with torch.no_grad():
            values = self._constrained(self._unconstrained_median())
        return {name: value.detach().clone() for name, value in values.items()}

    def sample_posterior(self, *args: Any, sample_shape: Sequence[int] = (), **kwargs: Any) -> dict[str, Tensor]:
        """Draws of every latent site, of shape ``sample_shape`` and the site's; without gradient.

        Args:
            *args: data of the model; needed only if the guide was never called.
            sample_shape: how many draws.
            **kwargs: likewise.
        """
        self._ensure_setup(args, kwargs)
        count = prod(sample_shape)
        with torch.no_grad(), block():
            draws = run_many(lambda _: self(*args, **kwargs), {}, count)
        return {name: value.reshape(*sample_shape, *value.shape[1:]) for name, value in draws.items()}

    def _constrained(self, unconstrained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Values in the supports; unconstrained values may have all rows of a subsampled plate."""
        potential = self._prototype
        if all(site.transform is not None for site in potential.sites):
            return {site.name: site.transform(unconstrained[site.name]) for site in potential.sites}  # type: ignore[misc]
        position = torch.cat([unconstrained[site.name].reshape(-1) for site in potential.sites])
        with block():
            return potential.constrain(position)

    def _ensure_setup(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._potential is None and (args or kwargs):
            self.setup(*args, **kwargs)
        _ = self._prototype  # or say that it is missing

    # Help for the kinds of guides

    def _inside(self, site: LatentSite, plates: Mapping[str, plate]) -> ExitStack:
        """The plates of a site, entered."""
        stack = ExitStack()
        for frame in site.frames:
            if frame.name in plates:
                stack.enter_context(plates[frame.name])
        return stack

    def _rows_of_all(self, site: LatentSite, value: Tensor, event_dim: int) -> Tensor:
        """``value`` with all rows of the subsampled plates; those that were not drawn repeat the others."""
        for frame in site.frames:
            if frame.dim is not None and frame.full_size is not None and frame.full_size != frame.size:
                rows = torch.arange(frame.full_size) % frame.size
                value = value.index_select(frame.dim - event_dim, rows)
        return value

    def _transformed(
        self,
        unconstrained: Mapping[str, Tensor],
        plates: Mapping[str, plate],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """For each site its value at an unconstrained one, and minus the log of the Jacobian's determinant."""
        potential = self._prototype
        if all(site.transform is not None for site in potential.sites):
            return {
                site.name: _apply(site.transform, unconstrained[site.name], site.event_dim) for site in potential.sites
            }
        position = torch.cat([unconstrained[site.name].reshape(-1) for site in potential.sites])
        batches = {name: each.indices for name, each in plates.items() if each.indices is not None}
        run = _Transforming(replace(potential, subsamples={**potential.subsamples, **batches}), position)
        with block(), run:
            self.model(*args, **kwargs)
        return run.results


class _Plates(ExitStack):
    """The plates of a guide; their rows are drawn on entry, before anything else."""

    def __init__(self, named: Mapping[str, plate]) -> None:
        super().__init__()
        self._named = named

    def __enter__(self) -> Mapping[str, plate]:  # type: ignore[override]
        super().__enter__()
        for each in self._named.values():
            _ = each.indices
        return self._named


class _Transforming(Placed):
    """Runs the model to find the bijections of sites whose support depends on other latents."""

    def __init__(self, potential: Potential, position: Tensor) -> None:
        super().__init__(potential.sites, potential.size, potential.subsamples, position)
        self.results: dict[str, tuple[Tensor, Tensor]] = {}

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Tensor) -> None:
        self.results[site.name] = _apply(transform, unconstrained_value, site.event_dim)
        msg["value"] = self.results[site.name][0]


def _apply(transform: Transform | None, unconstrained_value: Tensor, event_dim: int) -> tuple[Tensor, Tensor]:
    assert transform is not None
    value = transform(unconstrained_value)
    jacobian = transform.log_abs_det_jacobian(unconstrained_value, value)
    return value, -sum_rightmost(jacobian, event_dim - transform.codomain.event_dim)
