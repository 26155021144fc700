"""A probe of the user's own, from its file to a finding, against a server that answers as Go's pprof does."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[3] / "docs" / "own-probes.md"
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


class _Pprof(BaseHTTPRequestHandler):
    """Answers what /debug/pprof/goroutine?debug=1 of a Go program answers."""

    total = 20417

    def do_GET(self) -> None:
        """One profile."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"goroutine profile: total {self.total}\n19803 @ 0x43f1b6 0x4380b7\n".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of such a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pprof)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def _fenced(language: str) -> str:
    """The first example of a language in the document."""
    return DOCUMENT.read_text().split(f"```{language}\n", 1)[1].split("```", 1)[0]


@pytest.fixture
def files(tmp_path: Path, port: int) -> tuple[Path, Path]:
    """The documented probe and baseline, with the port of the server."""
    probes = tmp_path / "probes"
    probes.mkdir()
    (probes / "goroutines.sh").write_text(_fenced("sh").replace("6060", str(port)))
    baseline = tmp_path / "service.yaml"
    baseline.write_text(_fenced("yaml"))
    return probes, baseline


def _audit(netaudit, files: tuple[Path, Path], code: int):  # type: ignore[no-untyped-def]
    probes, baseline = files
    return netaudit(
        "audit", "-i", "localhost,", "--transport", "local", "-b", str(baseline), "--probe-dir", str(probes),
        "--no-history", "-o", "json", code=code,
    )  # fmt: skip


def test_the_documented_example_finds_the_leak(netaudit, files: tuple[Path, Path]) -> None:  # type: ignore[no-untyped-def]
    """The goroutine count of a service is a fact like any other."""
    done = _audit(netaudit, files, 1)
    (result,) = json.loads(done.out)["hosts"][0]["results"]
    assert (result["check"], result["status"], result["observed"]) == ("service.goroutines", "fail", 20417)


def test_a_service_that_does_not_run_is_unknown_with_its_reason(netaudit, files: tuple[Path, Path]) -> None:  # type: ignore[no-untyped-def]
    """What could not be read is never a pass."""
    probe = files[0] / "goroutines.sh"
    probe.write_text(probe.read_text().replace("127.0.0.1", "127.0.0.2"))
    (result,) = json.loads(_audit(netaudit, files, 0).out)["hosts"][0]["results"]
    assert result["status"] == "unknown"
    assert "own_goroutines not present" in result["reason"]


def test_a_check_that_reads_a_probe_nobody_has_is_refused_before_any_host(netaudit, files: tuple[Path, Path]) -> None:  # type: ignore[no-untyped-def]
    """The nearest name is told."""
    baseline = files[1]
    baseline.write_text(baseline.read_text().replace("facts.own.goroutines", "facts.own.gorutines"))
    done = _audit(netaudit, files, 2)
    assert "facts.own.gorutines" in done.err
    assert "did you mean 'goroutines'" in done.err


def test_probes_in_the_configuration_folder_are_found_without_an_option(netaudit, files: tuple[Path, Path]) -> None:  # type: ignore[no-untyped-def]
    """$XDG_CONFIG_HOME/netaudit/probes, as it stands beside ours; `facts` prints what they say."""
    own = netaudit.home / ".config" / "netaudit" / "probes"
    shutil.copytree(files[0], own)
    done = netaudit("facts", "localhost", "-i", "localhost,", "--transport", "local")
    assert json.loads(done.out)["own"] == {"goroutines": {"total": 20417}}, done.err
