"""What a trace handler has recorded: the sites of one run, their log densities, and who may depend on whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from .errors import DuplicateSiteError, HandlerError, TwofoldWarning
from .messages import is_subsample
from .scoring import pack_site, score_site, split_score
from .tables import shape_table
from .validation import is_validation_enabled
from .warning import warn

__all__ = ["Trace"]

SiteFilter = Callable[[str, dict[str, Any]], bool]


def _every_site(name: str, site: dict[str, Any]) -> bool:
    return True


class Trace:
    """Sites by name in the order of execution; besides them ``_INPUT`` and ``_RETURN``, the arguments and the result.

    Args:
        graph_type: ``"flat"`` records sites only; ``"dense"`` also draws an edge to each sample site from all earlier
            ones that no plate makes independent of it.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> sites = trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0)).get_trace()
        >>> sites.observation_nodes
        ['x']
        >>> sites.log_prob_sum()
        tensor(-0.9189)
    """

    def __init__(self, graph_type: Literal["flat", "dense"] = "flat") -> None:
        if graph_type not in ("flat", "dense"):
            raise HandlerError(
                "a trace is of another graph type",
                seen=repr(graph_type),
                expected="'flat' or 'dense'",
                suggestion="leave graph_type out",
            )
        self.graph_type = graph_type
        self.nodes: dict[str, dict[str, Any]] = {}
        self._succ: dict[str, dict[str, None]] = {}
        self._pred: dict[str, dict[str, None]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    # -- the graph

    def add_node(self, site_name: str, /, **site: Any) -> None:
        """Record a site.

        Raises:
            DuplicateSiteError: another statement of the run has this name, and the two are not one param.
        """
        self.record(site_name, site)

    def record(self, name: str, site: Mapping[str, Any]) -> None:
        """Record a copy of ``site`` under ``name``; what ``add_node`` does, without unpacking."""
        former = self.nodes.get(name)
        if former is not None and not (former["type"] == site["type"] == "param"):
            raise _duplicate(name, former, site)
        self.nodes[name] = dict(site)
        if self.graph_type == "dense" and former is None:
            self._add_dense_edges(name)

    def _add_dense_edges(self, name: str) -> None:
        site = self.nodes[name]
        if site["type"] != "sample":
            return
        for earlier, other in self.nodes.items():
            if earlier != name and other["type"] == "sample" and not _independent(other, site):
                self.add_edge(earlier, name)

    def add_edge(self, source: str, target: str) -> None:
        """Draw an edge from one site to another."""
        for name in (source, target):
            self._succ.setdefault(name, {})
            self._pred.setdefault(name, {})
        self._succ[source][target] = None
        self._pred[target][source] = None

    def remove_node(self, site_name: str) -> None:
        """Forget a site and its edges."""
        del self.nodes[site_name]
        for source in self._pred.pop(site_name, {}):
            del self._succ[source][site_name]
        for target in self._succ.pop(site_name, {}):
            del self._pred[target][site_name]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """All edges as pairs of names."""
        return [(source, target) for source, targets in self._succ.items() for target in targets]

    def predecessors(self, site_name: str) -> Iterator[str]:
        """Names of the sites from which an edge leads to this one."""
        return iter(self._pred.get(site_name, ()))

    def successors(self, site_name: str) -> Iterator[str]:
        """Names of the sites to which an edge leads from this one."""
        return iter(self._succ.get(site_name, ()))

    def topological_sort(self, reverse: bool = False) -> list[str]:
        """Names of all sites so that every edge leads onward (with ``reverse`` backward)."""
        order: list[str] = []
        done: set[str] = set()
        for root in self.nodes:
            pending = [(root, self.predecessors(root))] if root not in done else []
            while pending:
                name, sources = pending[-1]
                source = next((source for source in sources if source not in done), None)
                if source is not None:
                    pending.append((source, self.predecessors(source)))
                    continue
                pending.pop()
                if name not in done:
                    done.add(name)
                    order.append(name)
        return order[::-1] if reverse else order

    def copy(self) -> Trace:
        """A trace with its own nodes and edges; the sites' values are shared."""
        new = Trace(self.graph_type)
        new.nodes = {name: dict(site) for name, site in self.nodes.items()}
        new._succ = {name: dict(targets) for name, targets in self._succ.items()}
        new._pred = {name: dict(sources) for name, sources in self._pred.items()}
        return new

    # -- kinds of sites

    def _sample_names(self, accept: Callable[[dict[str, Any]], bool]) -> list[str]:
        return [name for name, site in self.nodes.items() if site["type"] == "sample" and accept(site)]

    @property
    def param_nodes(self) -> list[str]:
        """Names of the param sites."""
        return [name for name, site in self.nodes.items() if site["type"] == "param"]

    @property
    def observation_nodes(self) -> list[str]:
        """Names of the observed sample sites."""
        return self._sample_names(lambda site: site["is_observed"])

    @property
    def stochastic_nodes(self) -> list[str]:
        """Names of the latent sample sites."""
        return self._sample_names(lambda site: not site["is_observed"])

    @property
    def reparameterized_nodes(self) -> list[str]:
        """Names of the latent sample sites whose draws are differentiable."""
        return self._sample_names(lambda site: not site["is_observed"] and getattr(site["fn"], "has_rsample", False))

    @property
    def nonreparam_stochastic_nodes(self) -> list[str]:
        """Names of the latent sample sites whose draws are not differentiable."""
        return self._sample_names(
            lambda site: not site["is_observed"] and not getattr(site["fn"], "has_rsample", False)
        )

    def iter_stochastic_nodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and site of each latent sample site."""
        for name, site in self.nodes.items():
            if site["type"] == "sample" and not site["is_observed"]:
                yield name, site

    def detach_(self) -> None:
        """Cut the values of the latent sample sites off their gradients, in place."""
        for _, site in self.iter_stochastic_nodes():
            if isinstance(site["value"], Tensor):
                site["value"] = site["value"].detach()

    # -- log densities

    def compute_log_prob(self, site_filter: SiteFilter = _every_site) -> None:
        """Give each accepted sample site ``unscaled_log_prob``, ``log_prob`` and ``log_prob_sum``.

        ``log_prob = scale * where(mask, unscaled_log_prob, 0)``, with the batch shape of the site.

        Args:
            site_filter: function of name and site; True accepts.

        Raises:
            SupportError, ShapeError, SiteError: with the name of the site and the shapes of all sites so far.
        """
        for name, site in self.nodes.items():
            if site["type"] == "sample" and "log_prob_sum" not in site and site_filter(name, site):
                score_site(name, site, self)

    def log_prob_sum(self, site_filter: SiteFilter = _every_site) -> Tensor:
        """Sum of the log densities of all accepted sample sites: ``sum_i scale_i * log p_i(value_i)``.

        Args:
            site_filter: function of name and site; True accepts.

        Returns:
            A scalar; 0 for a run without sample sites.  If it is NaN, and validation is on, a warning names the sites.
        """
        parts: list[Tensor] = []
        for name, site in self.nodes.items():
            if site["type"] == "sample" and (site_filter is _every_site or site_filter(name, site)):
                part = site.get("log_prob_sum")
                parts.append(score_site(name, site, self) if part is None else part)
        if not parts:
            return torch.zeros(())
        total = parts[0] if len(parts) == 1 else torch.stack(parts).sum()
        if is_validation_enabled() and not torch.compiler.is_compiling():
            self._warn_of_nan(total, site_filter)
        return total

    def _warn_of_nan(self, total: Tensor, site_filter: SiteFilter) -> None:
        if not _is_nan(total):
            return
        scored = [
            (name, site) for name, site in self.nodes.items() if "log_prob_sum" in site and site_filter(name, site)
        ]
        guilty = [repr(name) for name, site in scored if _is_nan(site["log_prob_sum"])]
        where = f"at site {', '.join(guilty)}" if guilty else "because sites of inf and -inf meet"
        warn(f"the joint log density is NaN {where}; look at the values and parameters there", TwofoldWarning)

    def compute_score_parts(self) -> None:
        """Give each sample site ``score_parts``, the split of its log density for estimators of gradients."""
        for name, site in self.nodes.items():
            if site["type"] == "sample" and "score_parts" not in site:
                split_score(name, site, self)

    # -- enumeration

    def symbolize_dims(self, plate_to_symbol: dict[str, str] | None = None) -> None:
        """Give each site ``infer["_dim_to_symbol"]``: a letter for each batch dim, one per plate and enumerated site.

        Args:
            plate_to_symbol: letters that plates have already; the other plates' letters are added to it.
        """
        from .ops.packed import assign_symbols

        self.plate_to_symbol = {} if plate_to_symbol is None else plate_to_symbol
        self.symbol_to_dim = assign_symbols(self.nodes, self.plate_to_symbol)

    def pack_tensors(self, plate_to_symbol: dict[str, str] | None = None) -> None:
        """Give each scored site ``packed``: its log density, score parts, scale and mask without their unused dims.

        Each packed tensor has an attribute ``_pyro_dims``, a letter for each dim, as ``symbolize_dims`` gives them.
        """
        self.symbolize_dims(plate_to_symbol)
        for site in self.nodes.values():
            if site["type"] == "sample":
                site["packed"] = pack_site(site)

    def format_shapes(self, title: str = "Trace Shapes:", last_site: str | None = None) -> str:
        """A table of the shapes of all sites, batch dims and event dims apart.

        Args:
            title: first line.
            last_site: where the table ends.
        """
        return shape_table(self.nodes, title, last_site)


def _duplicate(name: str, former: Mapping[str, Any], site: Mapping[str, Any]) -> DuplicateSiteError:
    return DuplicateSiteError(
        f"two statements of this run are called {name!r}",
        seen=f"a {_kind(former)}, then a {_kind(site)}",
        expected="one name for each statement",
        suggestion="rename one of them; in a loop put the index into the name, in a helper use handlers.scope",
    )


def _kind(site: Mapping[str, Any]) -> str:
    return "plate" if is_subsample(site) else f"{site['type']} site"


def _independent(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether the two sites stand in different steps of one sequential plate."""
    counters = {frame.name: frame.counter for frame in first["cond_indep_stack"]}
    return any(counters.get(frame.name, frame.counter) != frame.counter for frame in second["cond_indep_stack"])


def _is_nan(value: Any) -> bool:
    try:
        return bool(value != value)
    except RuntimeError:  # a value that a transformation of torch.func or a tracer hides
        return False
