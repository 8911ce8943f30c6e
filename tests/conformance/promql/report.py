"""Counts of one run."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Report:
    """Passed, failed with their texts, and skipped by reason."""

    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Report") -> None:
        self.passed += other.passed
        self.failures += other.failures
        self.skipped += other.skipped

    def record(self, where: str, problem: str) -> None:
        """Count a case; an empty `problem` means it passed."""
        if problem:
            self.failures.append(f"{where}: {problem}")
        else:
            self.passed += 1
