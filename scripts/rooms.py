"""Questions of a new reader of this code, and the room each answer is in.

    python -m scripts.rooms            print the questions
    python -m scripts.rooms FILE       compare a reader's answers, one path a line, with ours

A reader knows docs/architecture.md and nothing else. Where a room is a folder, any file in it is right.
"""

import sys
from pathlib import Path
from typing import NamedTuple

ENOUGH = 18
"""Right answers of 20 that say the map is good enough."""


class Question(NamedTuple):
    """What a reader wants to know, and the file or folder where it is."""

    text: str
    room: str


QUESTIONS = (
    Question("Where is a certificate read again after it was replaced on disk?", "sidecar/runtime/tls.py"),
    Question("Where would a check that speaks gRPC health go?", "sidecar/probe/checks/"),
    Question("Where is a password file read?", "sidecar/runtime/secret.py"),
    Question("Where is it decided how many connections a listener takes?", "sidecar/runtime/http_server.py"),
    Question("Where is a request with a foreign Host header told from ours?", "sidecar/api/policy/host.py"),
    Question("Which checks does /readyz ask, and which /livez: where is that?", "sidecar/probe/groups.py"),
    Question("Where is it decided that five timeouts in a row mean a hang?", "sidecar/probe/judge.py"),
    Question("Where would Prometheus' /api/v1/query be answered?", "sidecar/api/prometheus/"),
    Question("Where does a new list of the JSON API go?", "sidecar/api/json/resources/"),
    Question("Who answers for a path under /api/v1 that nothing is at?", "sidecar/api/route_group.py"),
    Question("Where is it decided how long work goes on before probes may be answered?", "sidecar/runtime/turns.py"),
    Question("What does SIGHUP call, and what would a control socket call?", "sidecar/runtime/control.py"),
    Question("Where is a number read that a peer sent as text?", "sidecar/codec/peer/numbers.py"),
    Question("Where is a gzip body inflated within limits?", "sidecar/codec/peer/inflate.py"),
    Question("Where does a new query of Postgres' own statistics go?", "sidecar/collect/postgres/views/"),
    Question("Where does a new part of Redis' INFO go?", "sidecar/collect/redis/sections/"),
    Question("Where is a new setting of forwarding declared?", "sidecar/deliver/config.py"),
    Question("What keeps a store of ours through a restart?", "sidecar/runtime/state/keeper.py"),
    Question("Where is it that `sidecar check` and `sidecar run` refuse the same files?", "sidecar/app/files.py"),
    Question("Where is an alert's annotation expanded?", "sidecar/rules/"),
)


def is_right(question: Question, answer: str) -> bool:
    """Whether `answer`, a path, is the room of `question`."""
    path = answer.strip().strip("`")
    return path.startswith(question.room) if question.room.endswith("/") else path == question.room


def main() -> int:
    """Ask, or compare."""
    if len(sys.argv) == 1:
        print("\n".join(f"{number}. {question.text}" for number, question in enumerate(QUESTIONS, 1)))
        return 0
    answers = Path(sys.argv[1]).read_text().splitlines()
    pairs = list(zip(QUESTIONS, answers, strict=True))
    for question, answer in pairs:
        if not is_right(question, answer):
            print(f"{question.text} It is in {question.room}, not {answer}.")
    right = sum(is_right(question, answer) for question, answer in pairs)
    print(f"{right} of {len(pairs)} right, {ENOUGH} are enough")
    return 0 if right >= ENOUGH else 1


if __name__ == "__main__":
    raise SystemExit(main())
