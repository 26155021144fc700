"""The syntax of expressions: Jinja2's parser reads them, an allow-list decides what may stay.

The only door to Jinja2 in this room, opened when the first expression is parsed. Positions are characters from the
start of the expression: the parser carries them in the place where it keeps line numbers. What comes out is a plain
tree of ``Term``; names and kinds are judged in ``static``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.parser import Parser

MAX_LENGTH = 1000
MAX_DEPTH = 40
_MAX_CHAIN = 4  # comparisons in a row
_AT_END = "end of template"  # Jinja2's words for the end of what it reads

Constant: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Term:
    """One node of an expression. ``op`` is a word of the list in ``_READERS``, ``name`` an attribute or operator."""

    op: str
    at: int
    name: str = ""
    parts: tuple[Term, ...] = ()
    constant: Constant = None
    keywords: tuple[tuple[str, Term], ...] = ()

    @property
    def start(self) -> int:
        """The character where it begins; ``at`` is where its operator or name stands."""
        return min((self.at, *(part.start for part in self.parts)))


class NotAnExpression(Exception):  # it says what the text is not
    """The text cannot be read; ``at`` is the character where that shows."""

    def __init__(self, message: str, at: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint


def parse(text: str) -> Term:
    """The tree of an expression. Raises NotAnExpression."""
    if len(text) > MAX_LENGTH:
        raise NotAnExpression(f"an expression is at most {MAX_LENGTH} characters long", MAX_LENGTH)
    if not text.strip():
        raise NotAnExpression("an expression is missing here", 0)
    from jinja2 import TemplateSyntaxError

    try:
        parser = _parser(text)
        node = parser.parse_expression()
        if not parser.stream.eos:
            raise NotAnExpression(f"{parser.stream.current.value!r} is not expected here", parser.stream.current.lineno)
        return _term(node, 0)
    except TemplateSyntaxError as error:
        message = str(error.message)
        at = len(text) if _AT_END in message else min(max(error.lineno, 0), len(text))
        raise NotAnExpression(f"cannot be read: {message.replace(_AT_END, 'the end')}", at) from error
    except (RecursionError, ValueError) as error:
        raise NotAnExpression("is nested too deep, or holds a number that is too long", 0) from error


@cache
def _environment() -> Environment:
    from jinja2 import Environment

    return Environment(autoescape=True)


def _parser(text: str) -> Parser:
    """Jinja2's parser over tokens whose line number is their place in the text."""
    from jinja2.lexer import TokenStream
    from jinja2.parser import Parser

    environment = _environment()
    lexer = environment.lexer

    def placed() -> Iterator[tuple[int, str, str]]:
        at = 0
        for _line, token, value in lexer.tokeniter(text.replace("\n", " "), None, None, "variable"):
            yield at, token, value
            at += len(value)

    parser = Parser(environment, "", state="variable")
    parser.stream = TokenStream(lexer.wrap(placed()), None, None)
    return parser


# A node of Jinja2: of the class under whose name its reader stands in `_readers`, which types cannot say.
_Foreign: TypeAlias = Any
_Reader: TypeAlias = Callable[[_Foreign, int], Term]


def _term(node: _Foreign, depth: int) -> Term:
    if depth > MAX_DEPTH:
        raise NotAnExpression("is nested too deep", node.lineno)
    reader = _readers().get(type(node).__name__)
    if reader is None:
        what = _REFUSED.get(type(node).__name__, f"{type(node).__name__} is not part of this language")
        raise NotAnExpression(what, node.lineno)
    return reader(node, depth + 1)


_REFUSED = {
    "Pow": "powers (**) are not allowed",
    "Dict": "a mapping cannot be written here",
    "NSRef": "cannot be read",
}
_ARITHMETIC = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "FloorDiv": "//", "Mod": "%"}
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in"}


@cache
def _readers() -> dict[str, _Reader]:
    """How each allowed node of Jinja2's tree becomes a term."""
    readers: dict[str, _Reader] = {
        "Const": lambda node, _: Term("constant", node.lineno, constant=_constant(node)),
        "Name": lambda node, _: Term("name", node.lineno, _public(node, node.name)),
        "Getattr": lambda node, depth: Term("attribute", node.lineno, _public(node, node.attr), _all(depth, node.node)),
        "Getitem": _item,
        "Compare": _comparison,
        "Not": lambda node, depth: Term("not", node.lineno, "not", _all(depth, node.node)),
        "Neg": lambda node, depth: Term("negative", node.lineno, "-", _all(depth, node.node)),
        "Pos": lambda node, depth: _term(node.node, depth),
        "And": lambda node, depth: Term("and", node.lineno, "and", _all(depth, node.left, node.right)),
        "Or": lambda node, depth: Term("or", node.lineno, "or", _all(depth, node.left, node.right)),
        "CondExpr": _condition,
        "Concat": lambda node, depth: Term("concat", node.lineno, "~", _all(depth, *node.nodes)),
        "List": lambda node, depth: Term("list", node.lineno, "", _all(depth, *node.items)),
        "Tuple": lambda node, depth: Term("list", node.lineno, "", _all(depth, *node.items)),
        "Call": _call,
        "Filter": _filter,
        "Test": _test,
    }
    for name, sign in _ARITHMETIC.items():
        readers[name] = _binary(sign)
    return readers


def _all(depth: int, *parts: _Foreign) -> tuple[Term, ...]:
    return tuple(_term(part, depth) for part in parts)


def _binary(sign: str) -> _Reader:
    return lambda node, depth: Term("arithmetic", node.lineno, sign, _all(depth, node.left, node.right))


def _constant(node: _Foreign) -> Constant:
    value = node.value
    if value is None:
        raise NotAnExpression("none is not a value here", node.lineno, "ask with `is present` or `is absent`")
    if isinstance(value, int) and abs(value) >= 10**19:
        raise NotAnExpression("a number has at most 19 digits", node.lineno)
    if isinstance(value, str | bool | int | float):
        return value
    raise NotAnExpression(f"{value!r} is not a value here", node.lineno)


def _public(node: _Foreign, name: str) -> str:
    if name.startswith("_"):
        raise NotAnExpression(f"{name!r}: names do not begin with an underscore", node.lineno)
    return name


def _item(node: _Foreign, depth: int) -> Term:
    base = _term(node.node, depth)
    if type(node.arg).__name__ != "Slice":
        return Term("item", node.lineno, "", (base, _term(node.arg, depth)))
    if node.arg.step is not None:
        raise NotAnExpression("a slice has a start and an end, no step", node.lineno)
    ends = tuple(
        (name, _term(end, depth)) for name in ("start", "stop") if (end := getattr(node.arg, name)) is not None
    )
    return Term("slice", node.lineno, "", (base,), keywords=ends)


def _comparison(node: _Foreign, depth: int) -> Term:
    """A chain ``a < b < c`` becomes ``a < b and b < c``, so that each link has its own three values."""
    if len(node.ops) > _MAX_CHAIN:
        raise NotAnExpression(f"at most {_MAX_CHAIN} comparisons stand in a row", node.ops[_MAX_CHAIN].expr.lineno)
    left = _term(node.expr, depth)
    links = []
    for operand in node.ops:
        right = _term(operand.expr, depth)
        if operand is not node.ops[-1] and _compares(right):
            raise NotAnExpression("the middle of a chained comparison holds another one", right.at)
        links.append(Term("compare", left.at, _COMPARISONS[operand.op], (left, right)))
        left = right
    whole = links[0]
    for link in links[1:]:
        whole = Term("and", whole.at, "and", (whole, link))
    return whole


def _compares(term: Term) -> bool:
    """Whether a comparison is inside: the middle of a chain stands twice, and twice twice would grow without bound."""
    return term.op == "compare" or any(map(_compares, (*term.parts, *(part for _, part in term.keywords))))


def _condition(node: _Foreign, depth: int) -> Term:
    if node.expr2 is None:
        raise NotAnExpression("`if` needs its `else`", node.lineno)
    return Term("if", node.lineno, "if", _all(depth, node.test, node.expr1, node.expr2))


def _call(node: _Foreign, depth: int) -> Term:
    if type(node.node).__name__ != "Name":
        raise NotAnExpression("only functions of this language can be called", node.lineno)
    return _with_arguments("call", node, node.node.name, node.node.lineno, (), depth)


def _filter(node: _Foreign, depth: int) -> Term:
    if node.node is None:
        raise NotAnExpression("a filter needs a value in front of it", node.lineno)
    return _with_arguments("filter", node, node.name, node.lineno, _all(depth, node.node), depth)


def _test(node: _Foreign, depth: int) -> Term:
    return _with_arguments("test", node, node.name, node.lineno, _all(depth, node.node), depth)


def _with_arguments(op: str, node: _Foreign, name: str, at: int, first: tuple[Term, ...], depth: int) -> Term:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise NotAnExpression("arguments are written out, without * and **", node.lineno)
    keywords = tuple((keyword.key, _term(keyword.value, depth)) for keyword in node.kwargs)
    return Term(op, at, _public(node, name), (*first, *_all(depth, *node.args)), keywords=keywords)
