"""Batches: the labels that only some readers see."""

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.sample import SampleBatch

FAMILY = Family("x", MetricType.GAUGE, "A number.")


def test_extra_labels_are_put_on_every_sample_and_leave_the_batch_itself_alone() -> None:
    families = [FamilySamples(FAMILY, [Sample("x", (("z", "1"),), 1.0), Sample("x", (), 2.0)])]
    batch = SampleBatch("postgres/main", 0, (), families, up=True, extra=(("target", "main"),))
    (family,) = batch.with_extra_labels().families
    assert [sample.labels for sample in family.samples] == [(("target", "main"), ("z", "1")), (("target", "main"),)]
    assert batch.families == families


def test_label_that_the_sample_has_already_is_kept_under_another_name() -> None:
    families = [FamilySamples(FAMILY, [Sample("x", (("target", "theirs"),), 1.0)])]
    batch = SampleBatch("postgres/main", 0, (), families, extra=(("target", "main"),)).with_extra_labels()
    assert batch.families[0].samples[0].labels == (("exported_target", "theirs"), ("target", "main"))


def test_without_extra_labels_nothing_is_copied() -> None:
    batch = SampleBatch("postgres/main", 0, (), [])
    assert batch.with_extra_labels() is batch
