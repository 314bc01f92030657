from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from media.sandbox import kill, run, start

PYTHON = sys.executable


def test_output_errors_and_code_come_back() -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = run([PYTHON, "-c", script], seconds=20, max_output=100)
    assert (done.code, done.output, done.errors) == (3, b"out\n", "err\n")
    assert not done.timed_out and not done.overflowed


def test_the_deadline_ends_it_and_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    note.touch()
    script = f"sleep 60 & echo $! | tee /dev/fd/3 3>&1; wait # {note}"
    done = run(["/bin/sh", "-c", script], seconds=0.5, max_output=1000)
    assert done.timed_out
    child = int(done.output.split()[0])
    time.sleep(0.1)
    status = Path(f"/proc/{child}/stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_child_that_closes_its_pipes_is_ended_too() -> None:
    script = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    assert run([PYTHON, "-c", script], seconds=1.0, max_output=10).timed_out


def test_too_much_output_ends_it() -> None:
    done = run(["/bin/sh", "-c", "yes"], seconds=20, max_output=1000)
    assert done.overflowed
    assert len(done.output) == 1000


def test_endless_complaints_are_cut() -> None:
    script = "import sys; sys.stderr.write('x' * 5_000_000)"
    done = run([PYTHON, "-c", script], seconds=20, max_output=10, max_errors=500)
    assert done.code == 0
    assert len(done.errors) == 500


def test_memory_is_limited() -> None:
    script = "import time; time.sleep(0.5); b'x' * (2 << 30)"
    done = run([PYTHON, "-c", script], seconds=20, max_output=10, max_memory=512 << 20)
    assert done.code != 0
    assert "MemoryError" in done.errors


def test_no_file_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / "written"
    script = f"import time; time.sleep(0.5); open({str(target)!r}, 'wb', 0).write(b'xx')"
    assert run([PYTHON, "-c", script], seconds=20, max_output=10).code != 0
    assert target.stat().st_size == 0


def test_secrets_of_the_service_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_APP__SECRET_KEY", "secret")
    done = run(["/usr/bin/env"], seconds=20, max_output=10_000)
    assert b"SECRET" not in done.output


def test_kill_of_a_finished_process_is_no_error() -> None:
    process = start(["/bin/true"])
    process.wait()
    kill(process)
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
