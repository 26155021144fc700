"""YAML documents: places, duplicate keys, tags, and documents made to exhaust the reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netaudit.errors import InventoryError, Where
from netaudit.inventory.values import UnsafeText, Vaulted
from netaudit.inventory.yamltext import MAX_DEPTH, YamlTree, parse_yaml

WARNED: list[str] = []


def tree_of(text: str) -> YamlTree:
    """The tree of a text; warnings are put into WARNED."""
    WARNED.clear()
    tree = parse_yaml(text, "f.yml", lambda message, where: WARNED.append(f"{where}: {message}"))
    assert tree is not None
    return tree


def value_of(text: str) -> object:
    """The data of a text."""
    tree = tree_of(text)
    return tree.value(tree.root)


def test_empty_text_is_no_document() -> None:
    """Nothing, a comment and a bare document start give no document."""
    assert parse_yaml("", "f.yml", lambda *_: None) is None
    assert parse_yaml("# nothing\n", "f.yml", lambda *_: None) is None


def test_keys_know_their_place() -> None:
    """Each entry comes with line and column of its key."""
    tree = tree_of("a: 1\nb:\n  c: 2\n")
    places = {key: str(where) for key, where, _ in tree.entries(tree.root)}
    assert places == {"a": "f.yml:1:1", "b": "f.yml:2:1"}


def test_last_of_equal_keys_counts_with_a_warning() -> None:
    """A key that stands twice keeps its first position and its last value, and is warned of at the second place."""
    assert list(value_of("a: 1\nb: 2\na: 3\n").items()) == [("a", 3), ("b", 2)]  # type: ignore[attr-defined]  # a mapping
    assert WARNED == ["f.yml:3:1: key 'a' stands here twice; the last one counts"]


def test_key_that_beats_a_merged_one_is_no_duplicate() -> None:
    """A merge key brings in what the mapping does not say itself, silently."""
    assert value_of("base: &b {x: 1, y: 2}\nown: {<<: *b, y: 3}\n") == {
        "base": {"x": 1, "y": 2},
        "own": {"x": 1, "y": 3},
    }
    assert WARNED == []


def test_shadowed_value_must_be_valid_all_the_same() -> None:
    """An invalid value is refused even where a later equal key replaces it."""
    with pytest.raises(InventoryError, match="tag !foo"):
        value_of("a: !foo x\na: 1\n")


def test_unsafe_text_is_marked_to_the_last_leaf() -> None:
    """``!unsafe`` marks every text below it, and finds types as if quotes were not there."""
    value = value_of("a: !unsafe [x, {k: y}]\nb: !unsafe '12'\nc: z\n")
    assert isinstance(value, dict)
    assert isinstance(value["a"][0], UnsafeText)
    assert isinstance(value["a"][1]["k"], UnsafeText)
    assert value["b"] == 12
    assert not isinstance(value["c"], UnsafeText)


def test_vaulted_text_is_kept_with_its_place() -> None:
    """``!vault`` gives the ciphertext and where it stands."""
    assert value_of("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  31\n") == {
        "a": Vaulted("$ANSIBLE_VAULT;1.1;AES256\n31\n", Where("f.yml", 1, 4))
    }


CORE = "tag:yaml.org,2002:"
TAB = "(a tab? YAML is indented with blanks)"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: [\n", "2:1: is not YAML: did not find expected node content"),
        ("a:\n\tb: 1\n", f"2:1: is not YAML: found character that cannot start any token {TAB}"),
        ("a: 1\n---\nb: 2\n", "2:1: is not YAML: expected a single document in the stream but found another document"),
        ("a: *b\n", "1:4: is not YAML: found undefined alias"),
        ("a: !!python/object/apply:os.system [id]\n", f"1:4: tag {CORE}python/object/apply:os.system is not allowed"),
        ("a: !!python/name:os.system x\n", f"1:4: tag {CORE}python/name:os.system is not allowed"),
        ("a: 2024-99-99\n", "1:4: '2024-99-99' is not a valid timestamp (quote it when a text is meant)"),
        ("a: =\n", f"1:4: tag {CORE}value is not allowed"),
        ("? [a, b]\n: 1\n", "1:3: a key must be a text, not a list"),
        ("a: {<<: 5}\n", "1:9: a merge key needs a mapping or a list of mappings"),
        ("a: &x [*x]\n", "1:4: an alias holds itself"),
        ("a: &x {<<: *x}\n", "1:4: a merge key brings in the mapping itself"),
        ("a: !!pairs [b]\n", "1:13: every item must be one key with its value"),
    ],
)
def test_fault_is_one_line_with_its_place(text: str, error: str) -> None:
    """What is no YAML, and what Ansible does not construct, names line and column."""
    with pytest.raises(InventoryError) as caught:
        value_of(text)
    assert str(caught.value) == f"f.yml:{error}"


def test_control_character_names_its_line() -> None:
    """A character that YAML forbids is refused with the line it stands in."""
    with pytest.raises(InventoryError, match=r"is not YAML: .*control characters"):
        value_of("a: 1\nb: \x07\n")


def _alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    return "\n".join(lines)


def _merge_bomb() -> str:
    lines = ["a0: &a0 {k0: 1, k1: 1, k2: 1, k3: 1}"]
    lines += [f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}" for level in range(1, 10)]
    return "\n".join(lines)


@pytest.mark.parametrize("bomb", [_alias_bomb, _merge_bomb])
def test_bomb_of_aliases_is_refused(bomb: Callable[[], str]) -> None:
    """A small text that stands for a billion values is refused before they are made."""
    with pytest.raises(InventoryError, match="holds more than 2000000 values"):
        value_of(bomb())


@pytest.mark.parametrize("text", ["[" * 60000 + "]" * 60000, "{a: " * 60000 + "}" * 60000, "- " * 5000 + "x"])
def test_deep_nesting_is_refused_before_it_can_crash(text: str) -> None:
    """A text nested deeper than the C stack of libyaml's composer can take is an error, not a crash."""
    with pytest.raises(InventoryError, match=f"is nested deeper than {MAX_DEPTH}"):
        value_of(text)
