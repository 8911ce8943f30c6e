"""The head: every source's recent samples in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from sidecar.model.family import Sample
from sidecar.model.labels import METRIC_NAME
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.sample_columns import SampleColumns
from sidecar.model.series import SeriesBlock
from sidecar.model.steps import Steps, finished, slices
from sidecar.model.target import TargetName
from sidecar.tsdb.block import Block, Located
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.share import giving, group_of, room_for, share_of, spare_of
from sidecar.tsdb.snapshot import Moment, Snapshot, snapshot_in_steps

FORGET_EVERY = 1 / 60
"""How often samples whose retention is over are dropped, as a part of the retention."""

CLOCK_STEP_MS = 1000
"""A batch that is older than the one before it by more than this tells that the clock was set back."""
CLOCK_JUMP_MS = 300_000
"""When nobody brought anything for longer, the clock was set ahead, or the machine slept."""

_ATTEMPTS = 4
"""How often room is made for a part of a batch, in case others take it meanwhile."""


class Head:
    """Keeps the samples of the last `retention_seconds`, one block per source, up to `max_series` series.

    Times are int64 Unix milliseconds, Prometheus' own resolution. `refused_total` counts samples that were refused:
    of a new series over the cap, or of a batch not newer than the last one of its source. `refused_by_source` counts
    those over the cap alone, of each source that has samples now. `duplicates_total` counts samples whose series stood
    in the same batch before. `series_count` is how many series are kept, stale ones included.

    Each source, and all rules together as one, is sure of an equal share of the cap, whoever came first; above it,
    whoever is first has the room. When a source below its share finds none, those above theirs lose series, and
    `shed_by_source` counts these. `on_refused` is told of each batch that lost samples to the cap: whose, and how many.

    Batches of a source come in their order, whatever the clock does: when it is set, `move` takes along what is here.
    Of a batch that was on its way then the time is another clock's. When one is later than a batch that follows, its
    columns, which the clock has not reached yet, are cut off, and counted by `cut_total`. When nothing came for long,
    because the machine slept, what came before that ages from then on as if no time had passed.
    """

    def __init__(
        self,
        config: HeadConfig,
        on_refused: Callable[[str, int], None] | None = None,
    ) -> None:
        self.configure(config)
        self._kept_ms: dict[str, int] = {}
        self._blocks: dict[str, Block] = {}
        self._forgotten_ms = 0
        self._jump: _Jump | None = None
        self.cut_total = 0
        self._moved_ms: dict[str, int] = {}
        """By how much the clock was set since the last column of each source."""
        self._compacted = False
        self._used: dict[str, int] = {}
        self.series_count = 0
        self.refused_total = 0
        self.refused_by_source: dict[str, int] = {}
        self.shed_by_source: dict[str, int] = {}
        self._on_refused = on_refused
        self.duplicates_total = 0

    def configure(self, config: HeadConfig) -> None:
        """Take other limits; what is over them goes when it is looked at next."""
        self._retention_ms = config.retention_seconds * 1000
        self._max_series = config.max_series

    def accept(self, batch: SampleBatch) -> int:
        """Add a column with the samples of `batch`; return how many samples were refused.

        A series of the source that the batch lacks is stale from this time on, so a failed scrape, which brings few
        families or none, ends all others.
        """
        return finished(self.accept_in_steps(batch))

    def accept_in_steps(self, batch: SampleBatch) -> Steps[int]:
        """Do the same in steps, between which others may use this head, with batches of other sources too.

        No reader sees a sample of it before the last step, and none at all if the steps are not all taken.
        """
        parts = _parts(batch)
        batch = self._moved(batch)
        self._follow_clock(batch)
        while not self._is_late(batch := self._moved(batch)):
            block = yield from self._block_for(batch)
            located = yield from self._locate(batch.source, block, parts)
            if located is not None:
                self.duplicates_total += block.write(batch.time_ms, located)
                return self._count_refused(batch.source, sum(part.refused for part in located))
        late = sum(map(len, parts))
        self.refused_total += late
        return late

    def end(self, source: str, time_ms: int) -> None:
        """Mark every series of `source` stale; its samples are forgotten when their retention is over."""
        block = self._blocks.get(source)
        if block is not None and block.last_ms is not None:
            if block.is_full:
                finished(block.compact())
                self._recount()
            block.write(max(time_ms, block.last_ms + 1), ())

    def move(self, seconds: float) -> None:
        """Have everything at a time that is later by `seconds`: the clock was set, and no time passed."""
        moved_ms = round(seconds * 1000)
        for source, block in self._blocks.items():
            block.move(moved_ms)
            self._moved_ms[source] = self._moved_ms.get(source, 0) + moved_ms
        self._forgotten_ms += moved_ms
        self._jump = None if self._jump is None else self._jump.moved(moved_ms)

    def keep(self, source: str, retention_seconds: int) -> None:
        """Keep the samples of `source` this long instead; for recorded series that long ranges are asked of."""
        self._kept_ms[source] = retention_seconds * 1000

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[SeriesBlock]:
        """Return the series that satisfy all `matchers`, with their samples in [start_ms, end_ms].

        Raises ValueError when a regular expression among `matchers` is not valid.
        """
        found = (block.select(matchers, start_ms, end_ms) for block in self._blocks.values())
        return [block for block in found if block is not None]

    def snapshot_in_steps(self, selectors: Iterable[Sequence[Matcher]]) -> Steps[Snapshot]:
        """Return what `select` would find now for each of `selectors`, whatever comes to this head between the steps.

        Raises ValueError as `select` does.
        """
        wanted = dict.fromkeys(tuple(matchers) for matchers in selectors)
        return snapshot_in_steps([(matchers, self._moments(matchers)) for matchers in wanted])

    def label_names(self) -> Sequence[str]:
        """Return every label name, sorted."""
        return sorted({name for block in self._blocks.values() for name in block.index.names()})

    def label_values(self, name: str) -> Mapping[str, int]:
        """Return every value of the label `name` and how many series have it; for `__name__`, the metrics."""
        total: Counter[str] = Counter()
        for block in self._blocks.values():
            total.update(block.index.counts(name))
        return dict(sorted(total.items()))

    @property
    def series_by_metric(self) -> Mapping[str, int]:
        """How many series each metric has."""
        return self.label_values(METRIC_NAME)

    @property
    def series_by_source(self) -> Mapping[str, int]:
        """How many series each source has, all rules as one."""
        return dict(self._used)

    @property
    def bytes(self) -> int:
        """Memory of samples and times."""
        return sum(block.bytes for block in self._blocks.values())

    def _moments(self, matchers: Sequence[Matcher]) -> Sequence[Moment]:
        """Return the moments of the blocks that have a series of the name asked for."""
        names = [
            item.value for item in matchers if item.name == METRIC_NAME and item.op is MatchOp.EQUAL and item.value
        ]
        blocks = self._blocks.values()
        return [block.moment() for block in blocks if all(block.index.has(METRIC_NAME, name) for name in names)]

    def _is_late(self, batch: SampleBatch) -> bool:
        block = self._blocks.get(batch.source)
        return block is not None and block.last_ms is not None and batch.time_ms <= block.last_ms

    def _moved(self, batch: SampleBatch) -> SampleBatch:
        """Return `batch`, at the time by the clock as it is set now if it was on its way when that was set.

        That is what it was if it then comes as long after the newest column as this came after the one before.
        """
        block = self._blocks.get(batch.source)
        moved_ms = self._moved_ms.pop(batch.source, 0)
        if not moved_ms or block is None or block.last_ms is None:
            return batch
        late_ms = batch.time_ms - block.last_ms - block.last_gap_ms
        return replace(batch, time_ms=batch.time_ms + moved_ms) if abs(late_ms + moved_ms) < abs(late_ms) else batch

    def _follow_clock(self, batch: SampleBatch) -> None:
        """Cut off the columns that the clock has not reached yet, if it was set back."""
        block = self._blocks.get(batch.source)
        back_ms = (block.last_ms or 0) - batch.time_ms if block is not None else 0
        if block is None or back_ms <= CLOCK_STEP_MS:
            return
        now_ms = batch.time_ms
        cut = block.cut(now_ms)
        for other in self._blocks.values():
            cut += other.cut(now_ms + self._forget_ms)  # they may be on their way with what came after the step
        self.cut_total += cut
        self._jump = None
        self._forget(now_ms)

    @property
    def _forget_ms(self) -> int:
        return round(self._retention_ms * FORGET_EVERY)

    def _block_for(self, batch: SampleBatch) -> Steps[Block]:
        """Return the block of the source, with space for a column."""
        if abs(batch.time_ms - self._forgotten_ms) >= self._forget_ms:
            self._forget(batch.time_ms)
        block = self._blocks.get(batch.source) or self._blocks.setdefault(batch.source, Block(batch.target))
        self._used.setdefault(group_of(batch.source), 0)
        block.retarget(batch.target)
        while block.is_full:
            yield from block.compact()
            self._recount()
        return block

    def _locate(self, source: str, block: Block, parts: Sequence[Sequence[Sample]]) -> Steps[list[Located] | None]:
        """Return where `parts` belong; None if others changed the block meanwhile, so that it must be done again."""
        located = list[Located]()
        unknown = [part for part in parts if block.known(part) is None]
        yield from self._make_room(source, block, [*chain.from_iterable(unknown)])
        version = block.version
        for part in parts:
            known = block.known(part)
            found = [known] if known is not None else (yield from self._locate_each(source, block, part))
            if found is None:
                return None
            located += found
        return located if block.version == version and self._blocks.get(source) is block else None

    def _locate_each(self, source: str, block: Block, samples: Sequence[Sample]) -> Steps[list[Located] | None]:
        """Do the same for `samples` that are looked for one by one."""
        located, version = list[Located](), block.version
        for part in slices(samples):
            yield from block.reserve(len(part))
            yield from self._make_room(source, block, part)
            room = self._room(source, part)
            if block.version != version or self._blocks.get(source) is not block:
                return None
            rows = block.row_count
            located.append(block.locate(part, room))
            self.series_count += block.row_count - rows
            self._used[group_of(source)] += block.row_count - rows
            yield
        if block.version != version or self._blocks.get(source) is not block:
            return None
        block.remember(samples, located)
        return located

    def _count_refused(self, source: str, refused: int) -> int:
        if refused:
            group = group_of(source)
            self.refused_total += refused
            self.refused_by_source[group] = self.refused_by_source.get(group, 0) + refused
            if self._on_refused is not None:
                self._on_refused(group, refused)
        return refused

    def _forget(self, now_ms: int) -> None:
        """Drop columns whose retention is over, and blocks of which nothing is left.

        It looks at every block, and a thousand rules are a thousand blocks: so not at each batch.
        """
        if self._forgotten_ms and now_ms - self._forgotten_ms > CLOCK_JUMP_MS + self._forget_ms:
            self._jump = _Jump(self._forgotten_ms, now_ms)
        self._forgotten_ms = now_ms
        for source, block in list(self._blocks.items()):
            oldest_ms = now_ms - self._kept_ms.get(source, self._retention_ms)
            if not block.trim(oldest_ms if self._jump is None else self._jump.before(oldest_ms)):
                del self._blocks[source]
                self._moved_ms.pop(source, None)
        there = {group_of(source) for source in self._blocks}
        for counts in (self.refused_by_source, self.shed_by_source):
            for gone in counts.keys() - there:
                del counts[gone]
        self._compacted = False
        self._recount()

    def _recount(self) -> None:
        """Count the series of each group; in between, whoever adds some counts along."""
        self._used = {}
        for source, block in self._blocks.items():
            group = group_of(source)
            self._used[group] = self._used.get(group, 0) + block.row_count
        self.series_count = sum(self._used.values())

    def _make_room(self, source: str, block: Block, samples: Sequence[Sample]) -> Steps[None]:
        """Make room for the new series among `samples`, up to the share of `source`, if there is none.

        Rows without samples make room first. Others may take what was made, between two steps: then more is made, the
        last time without any step.
        """
        for attempt in range(_ATTEMPTS):
            if self._room(source, samples) >= len(samples) or (self._compacted and self._has_its_share(source)):
                return
            new = yield from _count_new(block, samples)
            if self._room(source, samples) < new and not self._compacted:
                self._compact()
            given = giving(self._used, self._max_series, group_of(source), new)
            if not given:
                return
            shedding = self._shed(given)
            if attempt + 1 < _ATTEMPTS:
                yield from shedding
            else:
                finished(shedding)

    def _room(self, source: str, samples: Sequence[Sample]) -> int:
        """Return how many series of `source` may be added, or at least as many as there are `samples`."""
        free = self._max_series - self.series_count
        if free - spare_of(self._max_series) >= len(samples):
            return free
        return room_for(self._used, self._max_series, group_of(source))

    def _has_its_share(self, source: str) -> bool:
        return self._used.get(group_of(source), 0) >= share_of(self._max_series, len(self._used))

    def _shed(self, given: Mapping[str, int]) -> Steps[None]:
        """Take so many series from the sources in each group, from its largest first."""
        for group, count in given.items():
            blocks = [block for source, block in self._blocks.items() if group_of(source) == group]
            for block in sorted(blocks, key=lambda block: -block.row_count):
                before = block.row_count
                yield from block.shed(min(count, before))
                taken = max(0, before - block.row_count)
                self._recount()
                if taken:
                    self.shed_by_source[group] = self.shed_by_source.get(group, 0) + taken
                count -= taken
                if count <= 0:
                    break

    def _compact(self) -> None:
        """Take out rows without samples. Only `_forget` brings new ones, so until then it need not be tried again."""
        self._compacted = True
        for block in self._blocks.values():
            if block.has_empty_rows:
                finished(block.compact())
        self._recount()


class _Jump(NamedTuple):
    """The clock went from one time to a much later one, and little time passed."""

    from_ms: int
    to_ms: int

    def moved(self, ms: int) -> "_Jump":
        """Return the same by a clock that was set."""
        return _Jump(self.from_ms + ms, self.to_ms + ms)

    def before(self, ms: int) -> int:
        """Return the time that had really come, so long before the clock said `ms`."""
        return ms if ms >= self.to_ms else ms - self.to_ms + self.from_ms


def _count_new(block: Block, samples: Sequence[Sample]) -> Steps[int]:
    """Return how many of `samples` are of a series without a row."""
    count = 0
    for part in slices(samples):
        count += block.count_new(part)
        yield
    return count


def _parts(batch: SampleBatch) -> list[Sequence[Sample]]:
    """Return the samples of `batch`, the `up` of its target first: a column by itself, what is between two as one."""
    parts, between = list[Sequence[Sample]](), list[Sample]()
    if batch.up is not None:
        name = TargetName.parse(batch.source).name
        between.append(Sample("up", (("target", name),) if name else (), float(batch.up)))
    for family in batch.families:
        if isinstance(family.samples, SampleColumns):
            parts += [between, family.samples]
            between = []
        else:
            between.extend(family.samples)
    return [part for part in (*parts, between) if part]
