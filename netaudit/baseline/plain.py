"""Rules as the plain mappings a person writes: the reverse of reading them.

What is written here and read again is the same rule; so ``baseline show`` prints rules that can be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from netaudit.baseline.closures import Tree
from netaudit.baseline.schema import Check, Claim, Expression, ForEach, Level, Op, Override, Rules, Template, Waiver
from netaudit.baseline.spelling import constant_of, spelled
from netaudit.baseline.values import ordinal

Plain = dict[str, object]


def plain_rules(rules: Rules, checks: Sequence[Check] | None = None) -> Plain:
    """A resolved baseline. ``checks`` stand in place of its own, such as those of one host."""
    return _filled(
        baseline=rules.name,
        title=rules.title,
        resolved_from=list(rules.chain),
        vars=dict(rules.variables),
        checks=[plain_check(check) for check in (rules.checks if checks is None else checks)],
        sysctl_names=list(rules.sysctl_names),
        overrides=[plain_override(made) for made in rules.overrides],
        waivers=[plain_waiver(made) for made in rules.waivers],
    )


def plain_check(check: Check) -> Plain:
    """A check as it stands in a file of checks; keys that say nothing are left out."""
    expect = next((level.claim for level in check.levels if level.is_expect), None)
    levels = [_level(level) for level in check.levels if not level.is_expect]
    return _filled(
        id=check.id,
        title=check.title,
        layer=str(check.layer),
        kind=str(check.kind),
        severity=str(check.severity),
        scope=str(check.extent),
        why=check.why,
        derive=check.derive,
        applies_to=[{"when": each.when.text, "else": each.otherwise.text} for each in check.applies_to],
        for_each=_for_each(check.for_each),
        let={name: _value(made) for name, made in check.definitions},
        value=_value(check.value),
        unit=check.unit,
        levels=levels,
        expect=_claim(expect) if expect is not None else None,
        expected=_text(check.expected),
        default=_value(check.kernel_default),
        evidence=_text(check.evidence),
        remediation=check.remediation,
        set={name.text: _operand(value) for name, value in check.desired},
        fix=_text(check.fix),
        risk=str(check.risk) if check.risk is not None else None,
        caveats=list(check.caveats),
        kernel=check.kernel,
        sources=list(check.sources),
    )


def plain_override(made: Override) -> Plain:
    """An override of one check."""
    return _filled(
        check=made.check,
        hosts=made.hosts,
        severity=str(made.severity) if made.severity is not None else None,
        expect=_claim(made.expect) if made.expect is not None else None,
        levels=[_level(level) for level in made.levels or ()],
        vars=dict(made.variables),
        skip=made.skip,
        reason=made.reason,
    )


def plain_waiver(made: Waiver) -> Plain:
    """A waiver."""
    found = _filled(
        check=made.check,
        hosts=made.hosts,
        subject=made.subject,
        reason=made.reason,
        approver=made.approver,
        ticket=made.ticket,
        starts=_moment(made.starts),
        expires=_moment(made.expires),
    )
    return found if made.any_value else {**found, "value": made.value}


def _filled(**keys: object) -> Plain:
    return {key: value for key, value in keys.items() if value not in (None, "", [], {})}


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else None


def _text(template: Template | None) -> str | None:
    return template.text if template is not None else None


def _for_each(made: ForEach | None) -> Plain:
    if made is None:
        return {}
    return _filled(
        name=made.name,
        **{"in": made.listed.text},
        where=made.where.text if made.where is not None else None,
        subject=made.subject.text,
        **{"else": _text(made.empty)},
    )


def _level(level: Level) -> Plain:
    return _filled(severity=str(level.severity), expect=_claim(level.claim), note=_text(level.note))


def _value(expression: Expression | None) -> object:
    """A bare expression: numbers and truth values as such, everything else as its text."""
    if expression is None:
        return None
    tree = cast("Sequence[Tree]", expression.tree)
    if tree[0] == "c" and isinstance(tree[1], bool | int | float):
        return tree[1]
    return expression.text


def _operand(expression: Expression | None) -> object:
    """What a value is held against: constants as such, everything else in braces."""
    if expression is None:
        return None
    fixed, value = constant_of(expression.tree)
    return value if fixed else f"{{{{ {_braced(expression)} }}}}"


def _braced(expression: Expression) -> str:
    tree = cast("Sequence[Tree]", expression.tree)
    return spelled(tree) if tree[0] == "list" else expression.text


def _claim(claim: Claim) -> Plain:
    match claim.op:
        case Op.ALL_OF | Op.ANY_OF:
            return {str(claim.op): [_claim(inner) for inner in claim.claims]}
        case Op.NOT:
            return {"not": _claim(claim.claims[0])}
        case Op.FIELDS:
            pairs = zip(claim.places, claim.claims, strict=True)
            return {"fields": {str(place): _claim(inner) for place, inner in pairs}}
        case Op.ORDERED:
            return {"ordered": "ascending"}
        case Op.HOLDS:
            return {"holds": _value(claim.operand)}
        case _:
            return {str(claim.op): _operand(claim.operand)}


def claim_in_words(claim: Claim) -> str:
    """A claim for a reader, its expressions as they are written."""
    signs = {Op.AT_LEAST: ">=", Op.AT_MOST: "<=", Op.ABOVE: ">", Op.BELOW: "<", Op.EQUALS: "is"}
    match claim.op:
        case Op.ALL_OF:
            return " and ".join(map(claim_in_words, claim.claims))
        case Op.ANY_OF:
            return " or ".join(map(claim_in_words, claim.claims))
        case Op.NOT:
            return f"not ({claim_in_words(claim.claims[0])})"
        case Op.FIELDS:
            pairs = zip(claim.places, claim.claims, strict=True)
            return ", ".join(f"{ordinal(place)} {claim_in_words(inner)}" for place, inner in pairs)
        case Op.ORDERED:
            return "in ascending order"
        case Op.HOLDS:
            return _said(claim)
        case _:
            sign = signs.get(claim.op) or str(claim.op).replace("_", " ")
            return f"{sign} {_said(claim)}"


def _said(claim: Claim) -> str:
    return claim.operand.text if claim.operand is not None else ""
