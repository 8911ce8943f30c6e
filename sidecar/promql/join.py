"""How the series of two vectors find each other."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.labels import Labels, Pair, replaced
from sidecar.model.series import Bools, Floats, Grouping, Ints, LabelSets
from sidecar.promql.ast import Binary, Group, Matching
from sidecar.promql.names import names_of_both
from sidecar.promql.operators import ARITHMETIC
from sidecar.promql.value import NAME, StepVector, collapse, distinct, empty_vector, labels_text, take, take_rows

Operation = Callable[[Binary, Floats, Floats], tuple[Floats, Bools | None]]


def joined(expr: Binary, left: StepVector, right: StepVector, operation: Operation) -> StepVector:
    """Return `left op right` for every pair of series in the same match group.

    Raises QueryError where a group has several series on a side that may have only one.
    """
    swapped = expr.matching.group is Group.RIGHT
    many, one = (right, left) if swapped else (left, right)
    if not len(many.labels) or not len(one.labels):
        return empty_vector(many.values.shape[1])
    many_groups, one_groups = _groups(many.labels, expr.matching), _groups(one.labels, expr.matching)
    partner = _partners(many_groups, one_groups)[many_groups.ids]
    single = _single(one, one_groups, many, "left" if swapped else "right")
    rows = np.flatnonzero(partner >= 0)
    partner = partner[rows]
    several = bool(expr.matching.include) and len(one_groups.labels) < len(one.labels)
    if several:
        single = one
        rows, partner = _every_pair(rows, partner, one_groups)
    if several or len(rows) < len(many.labels):
        many = take(many, rows)
    values, present = take_rows(single.values, partner), take_rows(single.present, partner)
    sides = (values, many.values) if swapped else (many.values, values)
    result, keep = operation(expr, *sides)
    matched = many.present & present
    if expr.matching.group is None:
        _check_one_to_one(matched, many_groups.ids[rows])
    dropped = NAME if expr.op in ARITHMETIC or (expr.return_bool and many.nameless is None) else frozenset[str]()
    labels = _result_labels(expr.matching, dropped, many.labels, one.labels, partner)
    nameless = None if many.nameless is None else np.full(len(labels), expr.return_bool)
    found = StepVector(labels, result, matched if keep is None else matched & keep, nameless)
    return distinct(found) if expr.matching.group is None else _many_to_one(found)


def set_operation(op: str, matching: Matching, left: StepVector, right: StepVector) -> StepVector:
    """Return the samples of `left` (`and`, `unless`), or of both (`or`), chosen by match groups that have any."""
    left_groups, right_groups = _groups(left.labels, matching), _groups(right.labels, matching)
    if op == "or":
        rest = right.present & ~_partner_present(right_groups, left_groups, left)
        return _union(left, replace(right, present=rest))
    matched = _partner_present(left_groups, right_groups, right)
    return replace(left, present=left.present & (matched if op == "and" else ~matched))


def _groups(labels: LabelSets, matching: Matching) -> Grouping:
    keys = labels.only(matching.labels) if matching.on else labels.without({*matching.labels, *NAME})
    return keys.grouping()


def _partners(groups: Grouping, others: Grouping) -> Ints:
    """Return for each of `groups` the equal one of `others`, or -1."""
    numbers = {labels: number for number, labels in enumerate(others.labels)}
    return np.array([numbers.get(labels, -1) for labels in groups.labels], np.int64)


def _partner_present(groups: Grouping, others: Grouping, other: StepVector) -> Bools:
    """Return for each series of `groups` and each step whether its match group has a sample in `other`."""
    if not len(groups.labels) or not len(others.labels):
        return np.zeros((len(groups.ids), other.present.shape[1]), np.bool_)
    present = np.logical_or.reduceat(take_rows(other.present, others.order), others.starts, axis=0)
    partner = _partners(groups, others)[groups.ids]
    return np.asarray(present[partner] & (partner >= 0)[:, np.newaxis])


def _single(one: StepVector, groups: Grouping, many: StepVector, side: str) -> StepVector:
    """Return one series per match group of `one`, in the order of the groups."""
    if len(groups.labels) == len(groups.ids):
        return one
    values, present, crowded = collapse(one, groups.ids, len(groups.labels))
    crowded &= many.present.any(axis=0)
    if crowded.any():
        group, step = np.argwhere(crowded)[0].tolist()
        rows = np.flatnonzero((groups.ids == group) & one.present[:, step])[:2]
        texts = ", ".join(labels_text(one.labels[row]) for row in reversed(rows.tolist()))
        raise QueryError(
            "execution",
            f"found duplicate series for the match group {labels_text(groups.labels[group])} on the {side} hand-side of"
            f" the operation: [{texts}];many-to-many matching not allowed: matching labels must be unique on one side",
        )
    return StepVector(groups.labels, values, present)


def _every_pair(rows: Ints, partner: Ints, groups: Grouping) -> tuple[Ints, Ints]:
    """Return each of `rows` with every series of its partner group, instead of with the group.

    The series of a group follow each other in time, and each has labels of its own to include.
    """
    members = np.split(groups.order, groups.starts[1:])
    sizes = np.bincount(groups.ids)[partner]
    return np.repeat(rows, sizes), np.concatenate([members[group] for group in partner.tolist()] or [partner])


def _result_labels(
    matching: Matching, dropped: frozenset[str], many: LabelSets, one: LabelSets, partner: Ints
) -> LabelSets:
    if matching.group is None:
        if matching.on:
            return many.only(set(matching.labels) - dropped)
        return many.without({*matching.labels, *dropped})
    base = many.without(dropped) if dropped else many
    if not matching.include:
        return base
    extra = [_picked(labels, matching.include) for labels in one]
    return LabelSets([replaced(row, extra[index]) for row, index in zip(base, partner.tolist(), strict=True)])


def _picked(labels: Labels, names: Sequence[str]) -> Sequence[Pair]:
    """Return the pairs of `names`, with empty values for those that `labels` do not have."""
    pairs = dict(labels)
    return [(name, pairs.get(name, "")) for name in names]


def _check_one_to_one(matched: Bools, ids: Ints) -> None:
    """Raise QueryError where several series of the left side found the same one on the right side.

    Pairs that a comparison filters out count too: a query must not fail or work as values go up and down. Prometheus
    since https://github.com/prometheus/prometheus/pull/17668; older ones look at the pairs that are left.
    """
    if len(ids) == len(set(ids.tolist())):
        return
    per_group = np.zeros((int(ids.max()) + 1, matched.shape[1]), np.int64)
    np.add.at(per_group, ids, matched)
    if (per_group > 1).any():
        explicit = "many-to-one matching must be explicit (group_left/group_right)"
        raise QueryError("execution", f"multiple matches for labels: {explicit}")


def _many_to_one(found: StepVector) -> StepVector:
    try:
        return distinct(found)
    except QueryError as error:
        message = "multiple matches for labels: grouping labels must ensure unique matches"
        raise QueryError("execution", message) from error


def _union(left: StepVector, right: StepVector) -> StepVector:
    labels = LabelSets([*left.labels, *right.labels])
    values = np.concatenate([left.values, right.values])
    present = np.concatenate([left.present, right.present])
    return distinct(StepVector(labels, values, present, names_of_both(left, right)))
