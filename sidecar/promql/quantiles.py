"""Quantiles of plain values, as Prometheus interpolates them."""

import numpy as np

from sidecar.model.series import Floats


def quantile(share: Floats, values: Floats) -> Floats:
    """Return the `share` quantile of `values` along their last axis; `share` broadcasts against the other axes.

    NaN sorts before every number. A share below 0 gives -Inf, above 1 +Inf, NaN gives NaN.
    """
    count = values.shape[-1]
    nans = np.isnan(values).sum(axis=-1)
    ordered = np.sort(values, axis=-1)  # numpy puts NaN last: positions turn by their number
    wanted = np.broadcast_to(share, nans.shape)
    rank = np.where((wanted >= 0) & (wanted <= 1), wanted, 0) * (count - 1)
    lower = np.floor(rank).astype(np.int64)
    upper = np.minimum(lower + 1, count - 1)
    weight = rank - lower
    with np.errstate(invalid="ignore"):
        result = _at(ordered, lower - nans) * (1 - weight) + _at(ordered, upper - nans) * weight
    result = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, result))
    return np.where(np.isnan(wanted), np.nan, result)


def _at(ordered: Floats, position: np.typing.NDArray[np.int64]) -> Floats:
    index = (position % ordered.shape[-1])[..., np.newaxis]
    return np.take_along_axis(ordered, index, axis=-1)[..., 0]
