"""What the suites that are shipped see of the incidents on their wires, and what they do not."""

import pytest

from contractcheck.incidents import read_catalogue
from contractcheck.incidents.striking import WIRE_CHANGES
from contractcheck.model.judgement import FindingKind, Verdict

pytestmark = pytest.mark.calibration

WIRES = ("openai-chat", "anthropic-messages")
UNSEEN = {
    ("support-triage", "finish-reason-stop-for-forced-tool"): "it calls no tools",
    ("support-triage", "tool-id-format"): "it calls no tools",
    ("order-tools", "stray-characters"): "hardly any words",
    ("order-tools", "alias-updated"): "hardly any words",
    ("order-tools", "lower-default-effort"): "hardly any words",
    ("order-tools", "newlines-after-json"): "no JSON answers",
}
PLAYED = [
    (suite, target, wire, one)
    for suite in ("support-triage", "order-tools")
    for target, wire in enumerate(WIRES)
    for one in read_catalogue().values()
    if wire in one.formats and one.name in WIRE_CHANGES
]


def is_seen(one, judgements):
    first, second = judgements
    kinds = {finding.kind for finding in first.findings}
    if one.plane == "infra":
        return first.verdict is Verdict.ERROR
    if one.classes[0] == "must-fail":
        return first.verdict is Verdict.FAIL
    if one.classes[0] == "warn":
        return first.verdict is not Verdict.FAIL and FindingKind.NOTICE in kinds
    # A check that forbids the very thing needs no second night.
    return bool(kinds & {FindingKind.SUSPECT, FindingKind.BREACH}) and (
        second.verdict is Verdict.FAIL
    )


@pytest.mark.parametrize(
    ("suite", "target", "wire", "one"),
    [pytest.param(*played, id=f"{played[0]}-{played[3].name}") for played in PLAYED],
)
def test_a_shipped_suite_sees_what_it_can(suite, target, wire, one, shipped_watch):
    judgements = shipped_watch(suite, target, wire).judge(one.name)
    told = [judgement.headline for judgement in judgements]
    assert is_seen(one, judgements) is ((suite, one.name) not in UNSEEN), told
