"""Signals and reloads at awkward moments: the process ends when told to, and only then."""

import asyncio
import operator
import os
import signal
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from typing_extensions import override

from sidecar.probe.board import LOOP_WEDGED_SECONDS
from tests.servers import Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

BAD = [
    "job: [\n",
    "rules: {resend_delay_seconds: .inf}\n",
    "postgres: &a [*a]\n",
    'api: {listen: "ä..b:9465"}\n',
    "\x00",
    "[]",
]


async def metric(sidecar: Sidecar, name: str) -> float:
    return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])[name]


async def reloads_told(sidecar: Sidecar) -> int:
    return sidecar.log.count('"ReloadFailed"') + sidecar.log.count('"Reloaded"')


def hang_up(sidecar: Sidecar) -> None:
    assert sidecar.process is not None
    sidecar.process.send_signal(signal.SIGHUP)


async def test_no_bad_file_ends_what_runs(tmp_path: Path) -> None:
    with Sidecar(tmp_path, "") as sidecar:
        for number, bad in enumerate(BAD):
            sidecar.config_path.write_text(bad)
            hang_up(sidecar)
            await eventually(lambda: reloads_told(sidecar), partial(operator.lt, number))
            assert await metric(sidecar, "sidecar_config_last_reload_successful") == 0, BAD[number]
        assert "Traceback" not in sidecar.log


async def test_limits_and_checks_of_a_new_configuration_take_effect_and_what_is_gone_leaves_no_series(
    tmp_path: Path,
) -> None:
    with Sidecar(
        tmp_path, "probes: {checks: [{kind: tcp, address: '127.0.0.1:1', interval_seconds: 0.2}]}\n"
    ) as sidecar:
        listeners = sidecar.config_path.read_text().partition("probes")[0]
        gone = 'sidecar_probe_success{check="app"}'
        await eventually(lambda: metric(sidecar, gone), lambda value: value == 0)
        sidecar.config_path.write_text(listeners + "head: {max_series: 123}\n")
        hang_up(sidecar)

        async def page() -> str:
            return (await get_text(sidecar.page_url))[1]

        await eventually(page, lambda html: "of at most 123" in html)
        assert gone not in (await get_text(f"{sidecar.url}/metrics"))[1]


def takes_hang_ups(sidecar: Sidecar) -> bool:
    """Whether SIGHUP is ignored or caught, as the kernel knows it."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{sidecar.pid}/status").read_text().split("\n") if line)
    return bool((int(status["SigIgn"], 16) | int(status["SigCgt"], 16)) & 1 << signal.SIGHUP - 1)


async def test_a_hang_up_while_starting_does_not_end_the_process(tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path, "")
    sidecar.spawn()
    try:
        await eventually(lambda: asyncio.to_thread(takes_hang_ups, sidecar))  # it is in the middle of its imports
        hang_up(sidecar)
        answer = await eventually(lambda: get_text(sidecar.ready_url()), lambda got: got[0] == 200)
        assert answer[0] == 200
    finally:
        assert sidecar.stop() == 0


async def test_told_to_end_while_starting_it_ends_at_once(tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path, "")
    sidecar.config_path.write_text(
        sidecar.config_path.read_text().replace("drain_delay_seconds: 0", "drain_delay_seconds: 30")
    )
    sidecar.spawn()
    await eventually(lambda: get_text(f"{sidecar.url}/livez"), lambda got: got[0] == 200)
    assert sidecar.stop() == 0
    assert "Traceback" not in sidecar.log


async def test_while_draining_it_is_not_ready_and_a_second_signal_ends_it(tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path, "")
    sidecar.config_path.write_text(
        sidecar.config_path.read_text().replace("drain_delay_seconds: 0", "drain_delay_seconds: 30")
    )
    with sidecar:
        assert sidecar.process is not None
        sidecar.process.send_signal(signal.SIGTERM)
        await eventually(lambda: get_text(f"{sidecar.url}/readyz"), lambda got: got[0] == 503)
        assert (await get_text(f"{sidecar.url}/livez"))[0] == 200
        assert sidecar.stop(signal.SIGINT) == 128 + signal.SIGINT


class Unread(Sidecar):
    """A sidecar whose standard error is a full pipe."""

    @override
    def spawn(self) -> None:
        self.reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with suppress(BlockingIOError):
            while os.write(writer, b"-" * 4096):
                pass
        os.set_blocking(writer, True)
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stderr=writer, env=self.environment())
        os.close(writer)


async def test_a_standard_error_that_nobody_reads_holds_up_neither_probes_nor_the_end(tmp_path: Path) -> None:
    with Unread(tmp_path, "") as sidecar:
        for _ in range(200):
            reader, writer = await asyncio.open_connection("127.0.0.1", sidecar.port)
            writer.write(b"GET / HTTP/1.1\r\nAuthorization: hunter2\r\nBad Header: x\r\n\r\n")
            await reader.read()
            writer.close()
        assert (await get_text(f"{sidecar.url}/livez"))[0] == 200
        assert sidecar.stop() == 0
    os.close(sidecar.reader)


async def test_malformed_requests_are_a_line_a_minute_without_their_content(tmp_path: Path) -> None:
    with Sidecar(tmp_path, "") as sidecar:
        for port in (sidecar.port, sidecar.api_port, sidecar.otlp_port):
            for _ in range(20):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: hunter2\r\nBad Header: x\r\n\r\n")
                assert b" 400 " in (await reader.read()).partition(b"\r\n")[0]
                writer.close()
    assert "hunter2" not in sidecar.log
    assert sidecar.log.count("Error handling request") <= 3
    assert "Traceback" not in sidecar.log


async def test_a_process_that_was_stopped_for_a_while_is_as_alive_as_before(tmp_path: Path) -> None:
    with Sidecar(tmp_path, "") as sidecar:
        assert sidecar.process is not None
        sidecar.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(LOOP_WEDGED_SECONDS + 2)  # it must be stopped for as long as a stuck loop may be
        sidecar.process.send_signal(signal.SIGCONT)
        for _ in range(20):
            status, text = await get_text(f"{sidecar.url}/livez?verbose")
            assert status == 200, text
        stood_still = 'sidecar_events_total{event="ProcessStoodStill",level="warning"}'
        await eventually(lambda: metric(sidecar, stood_still), lambda count: count == 1)
        assert "LoopWedged" not in sidecar.log
