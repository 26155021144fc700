"""A baseline is loaded by name or file, quickly from the cache, and never from a stale one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from netaudit.assets import cache, catalogue
from netaudit.assets.catalogue import baseline_names, lint, load_rules, load_ruleset
from netaudit.assets.locate import Assets, locate
from netaudit.errors import RuleError

CHECK = """\
checks:
  - {id: t.one, title: One, layer: host, kind: setting, severity: low, why: w, value: vars.x, expect: {equals: 1}}
"""


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    """A small set of data folders: one check, two baselines, lists of names."""
    playbooks = tmp_path / "data" / "playbooks"
    for name in ("checks/host", "baselines", "schema"):
        (playbooks / name).mkdir(parents=True)
    (playbooks / "checks/host/one.yaml").write_text(CHECK)
    (playbooks / "baselines/linux-server.yaml").write_text(
        "baseline: linux-server\nvars: {x: 1}\nchecks: {include: ['*']}\n"
    )
    (playbooks / "baselines/web-edge.yaml").write_text("baseline: web-edge\nextends: [linux-server]\nvars: {x: 2}\n")
    (playbooks / "schema/sysctl-names.txt").write_text("net.core.somaxconn\n")
    (playbooks / "schema/counter-names.txt").write_text("TcpExt.A\n")
    return Assets(tmp_path / "data" / "remote_probes", playbooks)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the cache of a test is."""
    return tmp_path / "cache"


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes it an error to read YAML: what still works comes from the cache."""

    def refuse(*_: object) -> None:
        raise AssertionError("YAML is read")

    monkeypatch.setattr(catalogue._Reading, "_node", refuse)


def test_every_shipped_baseline_is_without_errors() -> None:
    """What is shipped loads, and warns of nothing."""
    names = baseline_names(locate())
    assert {"linux-server", "web-edge", "database", "nat-gateway", "kubernetes-node", "high-bdp-transfer"} <= set(names)
    for name in names:
        rules, errors = lint(name)
        assert [str(error) for error in errors] == []
        assert rules is not None
        assert rules.warnings == ()
        assert rules.name == name


def test_names_and_paths(assets: Assets, tmp_path: Path) -> None:
    """A bare name is a shipped baseline, everything with a slash or .yaml is a file, also as a parent."""
    assert load_rules("web-edge", assets=assets).variables == {"x": 2}
    assert load_rules(assets=assets).name == "linux-server"
    (tmp_path / "common.yaml").write_text("baseline: common\nextends: [web-edge]\nvars: {x: 3}\n")
    (tmp_path / "mine.yaml").write_text("baseline: mine\nextends: [common.yaml]\n")
    assert load_rules(str(tmp_path / "mine.yaml"), assets=assets).chain == (
        "linux-server",
        "web-edge",
        "common",
        "mine",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("web-egde", "there is no baseline 'web-egde' (did you mean 'web-edge'?)"),
        ("nowhere.yaml", "nowhere.yaml: there is no such file"),
        (Path("/"), "/: is a folder, and a file is wanted"),
    ],
)
def test_unknown_baselines(assets: Assets, name: str | Path, message: str) -> None:
    """What cannot be found is said with what would have been."""
    with pytest.raises(RuleError) as caught:
        load_ruleset(name, assets=assets)
    assert str(caught.value) == message


def test_first_error_says_how_many_there_are(assets: Assets) -> None:
    """Loading stops with the first error; lint tells all."""
    (assets.baselines / "bad.yaml").write_text("baseline: bad\nsysctl: {net.core.somaxcon: 1, net.core.x: 1}\n")
    with pytest.raises(RuleError, match=r"bad\.yaml:2:10: no kernel .* \(and 1 more error\)"):
        load_ruleset("bad", assets=assets)
    assert len(lint("bad", assets)[1]) == 2
    assert lint("nothing", assets)[0] is None


def test_an_id_belongs_to_one_check(assets: Assets) -> None:
    """Two shipped files cannot define the same check."""
    (assets.checks / "host" / "two.yaml").write_text(CHECK)
    (error,) = lint(assets=assets)[1]
    assert str(error).startswith(f"{assets.checks}/host/two.yaml:2:5: there is a check 't.one' already (at ")


@pytest.mark.usefixtures("no_reading")
def test_without_a_cache_everything_is_read(assets: Assets, folder: Path) -> None:
    """The guard of these tests works: nothing comes from an empty cache."""
    with pytest.raises(AssertionError, match="YAML is read"):
        load_ruleset(assets=assets, cache_folder=folder)


def test_second_loading_reads_no_yaml(assets: Assets, folder: Path, request: pytest.FixtureRequest) -> None:
    """The cached rules are those that were read, digest and places included."""
    first = load_ruleset("web-edge", assets=assets, cache_folder=folder)
    request.getfixturevalue("no_reading")
    second = load_ruleset("web-edge", assets=assets, cache_folder=folder)
    assert second.rules == first.rules
    assert second.sha256 == first.sha256
    assert {path.stat().st_mode & 0o077 for path in (folder / "rules").iterdir()} == {0}


@pytest.mark.parametrize("changed", ["checks/host/one.yaml", "baselines/linux-server.yaml", "baselines/web-edge.yaml",
                                     "schema/sysctl-names.txt"])  # fmt: skip
def test_changing_any_file_is_noticed(
    assets: Assets, folder: Path, request: pytest.FixtureRequest, changed: str
) -> None:
    """A check, a parent, the baseline itself and the lists of names all count."""
    load_ruleset("web-edge", assets=assets, cache_folder=folder)
    with (assets.playbooks / changed).open("a") as stream:
        stream.write("# changed\n")
    request.getfixturevalue("no_reading")
    with pytest.raises(AssertionError, match="YAML is read"):
        load_ruleset("web-edge", assets=assets, cache_folder=folder)


def test_a_new_check_is_noticed(assets: Assets, folder: Path) -> None:
    """A file that was added belongs to the library at once."""
    load_ruleset(assets=assets, cache_folder=folder)
    (assets.checks / "host" / "two.yaml").write_text(CHECK.replace("t.one", "t.two"))
    assert [check.id for check in load_ruleset(assets=assets, cache_folder=folder).rules.checks] == ["t.one", "t.two"]


def test_the_same_baseline_beside_another_parent_is_another(
    assets: Assets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a baseline is called by the same path from two directories, each has the parents beside it."""
    found = []
    for number in (3, 4, 3):
        site = tmp_path / f"site{number}"
        site.mkdir(exist_ok=True)
        (site / "base.yaml").write_text(f"baseline: base\nvars: {{x: {number}}}\nchecks: {{include: ['*']}}\n")
        (site / "own.yaml").write_text("baseline: own\nextends: [base.yaml]\n")
        monkeypatch.chdir(site)
        found.append(load_ruleset(Path("own.yaml"), assets=assets, cache_folder=folder).rules.variables["x"])
    assert found == [3, 4, 3]


def test_changed_code_is_noticed(assets: Assets, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout the code changes without a new version."""
    load_ruleset(assets=assets, cache_folder=folder)
    monkeypatch.setattr(cache, "_code_stamp", lambda: "other code")
    monkeypatch.setattr(catalogue._Reading, "_node", lambda *_: pytest.fail("read"))
    with pytest.raises(pytest.fail.Exception, match="read"):
        load_ruleset(assets=assets, cache_folder=folder)


@pytest.mark.parametrize("module", ["units.py", "baseline/written.py", "model/facts/net.py", "assets/yamlfile.py"])
def test_code_that_rules_are_read_with_is_noticed(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that reads an amount such as 64KiB is as good as one that reads the rules; one of the page is not."""
    package = tmp_path / "netaudit"
    shutil.copytree(cache._PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "_PACKAGE", package)
    before = cache.key({})
    (package / "report/page.py").write_text("")
    assert before == cache.key({})
    (package / module).write_text("")
    assert before != cache.key({})


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff\xfe", b'{"files": {}, "sha256": "x", "rules": [1]}', b"null",
                                  b'{"files": {"/nowhere": "x"}, "sha256": "", "rules": []}', b"[" * 100_000])  # fmt: skip  # noqa: E501  # one case, one line
def test_a_broken_cache_is_no_cache(assets: Assets, folder: Path, junk: bytes) -> None:
    """Whatever stands in an entry, the rules are read anew and the entry is mended."""
    rules = load_ruleset(assets=assets, cache_folder=folder).rules
    (entry,) = (folder / "rules").iterdir()
    entry.write_bytes(junk)
    assert load_ruleset(assets=assets, cache_folder=folder).rules == rules
    assert json.loads(entry.read_bytes())["sha256"]


def test_a_cache_that_cannot_be_written_is_no_error(assets: Assets, tmp_path: Path) -> None:
    """A file where the folder should be, or a full disk, only costs time."""
    blocked = tmp_path / "file"
    blocked.write_text("x")
    assert load_ruleset(assets=assets, cache_folder=blocked).name == "linux-server"
    assert load_ruleset(assets=assets, cache_folder=None).name == "linux-server"


def test_half_written_entries_are_never_seen(assets: Assets, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry appears whole or not at all, and nothing is left of one that failed."""
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    load_ruleset(assets=assets, cache_folder=folder)
    assert list((folder / "rules").iterdir()) == []


def test_old_entries_are_forgotten(assets: Assets, folder: Path) -> None:
    """The cache does not grow without bound."""
    for number in range(cache._KEPT + 3):
        path = assets.baselines / f"b{number}.yaml"
        path.write_text(f"baseline: b{number}\nextends: [linux-server]\n")
        load_ruleset(f"b{number}", assets=assets, cache_folder=folder)
    assert len(list((folder / "rules").iterdir())) == cache._KEPT
    shutil.rmtree(folder)


def test_variables_of_the_command_line_are_no_part_of_the_cache(assets: Assets, folder: Path) -> None:
    """One entry serves every ``-e``; the digest of the run tells them apart."""
    plain = load_ruleset(assets=assets, cache_folder=folder)
    told = load_ruleset(assets=assets, extra={"x": "5", "other": 1}, cache_folder=folder)
    assert (plain.rules.variables, told.rules.variables) == ({"x": 1}, {"x": 5})
    assert plain.sha256 != told.sha256
    assert len(list((folder / "rules").iterdir())) == 1
