"""The documentation site: it builds, its links lead somewhere, it fetches nothing, and its commands can be typed."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.cli.catalogue import COMMANDS
from netaudit.cli.settings.configuring import ON_COMMAND_LINE_ONLY, SETTINGS

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built anew. mkdocs ends with an error over any link, anchor or page that is not there."""
    folder = tmp_path_factory.mktemp("site")
    command = [str(Path(sys.executable).with_name("mkdocs")), "build", "--strict", "--quiet", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=150)
    assert 0 == done.returncode, done.stderr
    return folder


def test_every_page_is_there(site):
    """Each document is a page, and the first one leads on."""
    built = {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")} - {"404"}
    assert {str(path.relative_to(DOCS).with_suffix("")) for path in PAGES} == built
    assert "tutorial.html" in (site / "index.html").read_text()


def test_a_reader_fetches_nothing(site):
    """Scripts, styles, fonts and pictures come from the site itself."""
    loaded = re.compile(r"<(?:script|img|iframe|source)[^>]+src=\"?(?:https?:)?//|<link[^>]+href=\"?(?:https?:)?//")
    guilty = [path.name for path in site.rglob("*.html") if loaded.search(path.read_text())]
    guilty += [path.name for path in site.rglob("*.css") if re.search(r"url\(\"?(?:https?:)?//", path.read_text())]
    assert [] == guilty


def _typed() -> list[tuple[str, str]]:
    """Every netaudit command line that a document shows."""
    found = []
    for page in [ROOT / "README.md", *PAGES]:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                for part in re.split(r" && |; | \| ", line.removeprefix("$ ").split("  #")[0].split("   #")[0]):
                    words = part.strip().removeprefix("sudo ")
                    if line.startswith("$ ") and words.startswith("netaudit "):
                        found.append((str(page.relative_to(ROOT)), words.partition(" > ")[0]))
    return found


@pytest.mark.parametrize(("page", "line"), sorted(set(_typed())))
def test_commands_of_the_documents_can_be_typed(page, line):
    """The parser of the command takes what the document shows."""
    words = shlex.split(line)
    if words[1] == "help":
        words = ["netaudit", words[2], *words[3:]]
    assert words[1] in COMMANDS, page
    parser = importlib.import_module(f"netaudit.cli.commands.{COMMANDS[words[1]][0]}").parser()
    parser.parse_args(words[2:])


def test_documents_show_commands():
    """The test above looks at something."""
    assert len(_typed()) > 60


def test_settings_are_all_described():
    """The page about settings names each of them, and what no file may say."""
    text = (DOCS / "how-to" / "settings.md").read_text(encoding="utf-8")
    assert [] == [name for name in (*SETTINGS, *ON_COMMAND_LINE_ONLY) if f"`{name}`" not in text]


def test_baselines_of_the_how_to_are_valid(tmp_path):
    """The check and the remediation that the how-tos show are taken as they stand."""
    from netaudit.assets.catalogue import lint, load_ruleset
    from netaudit.assets.remediations import load_remediations
    from netaudit.remedy.pins import pin_of

    text = (DOCS / "how-to" / "write-a-check.md").read_text(encoding="utf-8")
    baseline = tmp_path / "site.yaml"
    baseline.write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    rules, errors = lint(str(baseline))
    assert () == errors
    assert rules is not None
    assert "site.keepalive" in {check.id for check in rules.checks}
    text = (DOCS / "how-to" / "write-a-remediation.md").read_text(encoding="utf-8")
    remedy = tmp_path / "remediations.yaml"
    remedy.write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    pins = {str(remedy): pin_of(str(remedy), remedy.read_bytes(), "a test", datetime.now(UTC))}
    found = load_remediations(load_ruleset(str(baseline)), [remedy], pins)
    assert "site.keepalive" == found.all[0].id


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_the_manual_page_is_clean():
    """mandoc has nothing to say against it, and every command stands in it."""
    page = DOCS / "man" / "netaudit.1"
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], capture_output=True, text=True)
    assert ("", 0) == (done.stdout, done.returncode)
    shown = subprocess.run(["mandoc", "-T", "ascii", str(page)], capture_output=True, text=True, check=True).stdout
    text = re.sub(r".\x08", "", shown)
    assert [] == [name for name in COMMANDS if f"netaudit {name}" not in text]
    assert "NETAUDIT_SETTING" in text
