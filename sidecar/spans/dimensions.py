"""Labels of the user's choice on the span metrics."""

from collections.abc import Mapping, Sequence

from sidecar.spans.config import DimensionConfig
from sidecar.spans.rows import LabelsOf
from sidecar.spans.shape import SpanShape


def with_dimensions(labels_of: LabelsOf, dimensions: Sequence[DimensionConfig]) -> LabelsOf:
    """Return `labels_of` with a label for each of `dimensions` that the span or its resource has, or a default for."""
    if not dimensions:
        return labels_of

    def labels_and_dimensions(shape: SpanShape) -> Mapping[str, str] | None:
        labels = labels_of(shape)
        return None if labels is None else {**_dimensions_of(shape, dimensions), **labels}

    return labels_and_dimensions


def _dimensions_of(shape: SpanShape, dimensions: Sequence[DimensionConfig]) -> dict[str, str]:
    return {dimension.label: shape.attributes.get(dimension.name, dimension.default or "") for dimension in dimensions}
