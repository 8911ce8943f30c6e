"""Batches: the labels that only some readers see, and large families in parts."""

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.sample import in_parts, labelled
from sidecar.model.steps import STEP_SIZE

FAMILY = Family("x", MetricType.GAUGE, "A number.")
TARGET = (("target", "main"),)


def test_extra_labels_are_put_on_every_sample_and_leave_the_family_itself_alone() -> None:
    samples = [Sample("x", (("z", "1"),), 1.0), Sample("x", (), 2.0)]
    given = FamilySamples(FAMILY, list(samples))
    assert [sample.labels for sample in labelled(given, TARGET).samples] == [(*TARGET, ("z", "1")), TARGET]
    assert given.samples == samples


def test_label_that_the_sample_has_already_is_kept_under_another_name() -> None:
    given = FamilySamples(FAMILY, [Sample("x", (("target", "theirs"),), 1.0)])
    assert labelled(given, TARGET).samples[0].labels == (("exported_target", "theirs"), ("target", "main"))


def test_without_extra_labels_nothing_is_copied() -> None:
    given = FamilySamples(FAMILY, [])
    assert labelled(given, ()) is given


def test_parts_are_small_and_all_of_it_in_order() -> None:
    samples = [Sample("x", (("n", str(number)),), 1.0) for number in range(2 * STEP_SIZE + 1)]
    small, empty = FamilySamples(FAMILY, samples[:1]), FamilySamples(FAMILY, [])
    parts = list(in_parts([small, FamilySamples(FAMILY, samples), empty]))
    assert [len(part.samples) for part in parts] == [1, STEP_SIZE, STEP_SIZE, 1, 0]
    assert [sample for part in parts[1:4] for sample in part.samples] == samples
