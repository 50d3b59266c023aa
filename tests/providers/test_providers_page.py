"""docs/reference/providers.md says what the dialects do, and the how-to shows what loads."""

import re
from pathlib import Path

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.credential import ApiKey
from contractcheck.model.suite import Case, Image, Message, Parameters, Tool
from contractcheck.model.target import Target
from contractcheck.model.wire_mapping import PLACEHOLDERS, read_mapping
from contractcheck.providers import DECLARED, DIALECTS, dialect
from contractcheck.providers.declared_reading import compiled
from contractcheck.suite.yaml_reader import read_yaml

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference/providers.md").read_text()
HOW_TO = (DOCS / "how-to/add-a-provider.md").read_text()
TOOLS = (Tool(name="look", description="Looks", parameters={"type": "object"}),)
PICTURE = Image(name="a.png", media_type="image/png", data=b"x")


def rows(heading):
    """Rows of the first table below a heading, by their first cell; ```` ` ``` taken off."""
    text = PAGE.split(heading, 1)[1]
    found = re.search(r"\n\n(\| .+?)\n\n", text, re.DOTALL)[1].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found]
    return {row[0].strip("`| "): row[1:] for row in cells}


def make_case(tools=(), response_schema=None, images=(), **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=(Message(role="user", content="Hi", images=images),),
        tools=tools,
        response_schema=response_schema,
        parameters=Parameters(**{"max_output_tokens": 9000} | parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


# What the page calls it, a case without it, the same case with it.
FEATURES = {
    "pictures": ({}, {"images": (PICTURE,)}),
    "tools": ({}, {"tools": TOOLS}),
    "tool_choice: none": ({"tools": TOOLS}, {"tools": TOOLS, "tool_choice": "none"}),
    "a certain tool": ({"tools": TOOLS}, {"tools": TOOLS, "tool_choice": "look"}),
    "response_schema": ({}, {"response_schema": {"type": "object"}}),
    "top_logprobs": ({}, {"top_logprobs": 1}),
    "top_logprobs above 1": ({}, {"top_logprobs": 3}),
    "reasoning_effort": ({}, {"reasoning_effort": "low"}),
    "reasoning_effort: none": ({}, {"reasoning_effort": "none"}),
    "reasoning_effort: minimal": ({}, {"reasoning_effort": "minimal"}),
    "seed": ({}, {"seed": 1}),
    "stop": ({}, {"stop": ("x",)}),
    "temperature": ({}, {"temperature": 0.5}),
    "stream": ({}, {"stream": False}),
}
EFFORTS = {"reasoning_effort", "reasoning_effort: none", "reasoning_effort: minimal"}
SAMPLING = EFFORTS | {"seed", "stop", "temperature", "stream"}


def fate(provider, feature):
    """``said``, ``refused`` or ``left out``."""
    without, having = (make_case(**options) for options in FEATURES[feature])
    target = Target(
        provider=provider, model="m", base_url="https://x.example", region="eu", project="p"
    )
    speaker = dialect(provider)
    try:
        bare = speaker.build(without, target)
        return "left out" if speaker.build(having, target) == bare else "said"
    except UsageError:
        return "refused"


def told(cell):
    names = {name.strip("` ").replace("`", "") for name in cell.split(",")} - {"–"}
    if "all sampling parameters" in names:
        return SAMPLING
    more = set()
    if "tools" in names:
        more |= {"tool_choice: none", "a certain tool"}
    if "top_logprobs" in names:
        more |= {"top_logprobs above 1"}
    return names | more


def test_the_page_lists_every_provider_with_endpoint_and_credential():
    listed = rows("# Providers")
    assert list(listed) == sorted({*DIALECTS, DECLARED})
    for provider in DIALECTS:
        _, endpoint, credential = listed[provider]
        speaker = dialect(provider)
        assert speaker.base_url in endpoint.strip("`") or not speaker.base_url
        assert bool(speaker.base_url) == ("base_url" not in endpoint)
        variables = [s.variable for s in speaker.schemes if isinstance(s, ApiKey)]
        assert re.findall(r"`([A-Z_]+)`", credential) == variables


@pytest.mark.parametrize("provider", sorted(DIALECTS))
def test_the_page_says_what_each_wire_refuses_and_leaves_out(provider):
    refused, left_out = rows("## What a case can ask").get(provider, ["–", "–"])
    fates = {feature: fate(provider, feature) for feature in FEATURES}
    assert {f for f, how in fates.items() if how == "refused"} == told(refused)
    assert {f for f, how in fates.items() if how == "left out"} == told(left_out)


@pytest.mark.parametrize(
    ("provider", "row", "model"),
    [
        ("anthropic", "anthropic", "m"),
        ("cohere", "cohere", "m"),
        ("gemini", "gemini`, `vertex`: models `gemini-2.…", "gemini-2.5-pro"),
    ],
)
def test_the_page_says_how_much_an_effort_may_think(provider, row, model):
    listed = rows("Where a wire knows budgets")[row]
    for effort, cell in zip(("none", "minimal", "low", "medium", "high"), listed, strict=True):
        case = make_case(reasoning_effort=effort)
        body = dialect(provider).build(case, Target(provider=provider, model=model)).body.decode()
        found = re.search(r'"(?:budget_tokens|token_budget|thinkingBudget)":(\d+)', body)
        budget_tokens = int(found[1]) if found else 0
        assert cell == (str(budget_tokens) if budget_tokens else "off")


def test_the_mapping_of_the_how_to_loads_and_its_placeholders_are_all_there():
    (text,) = re.findall(r"```yaml\n(# gateway.yaml\n.*?)```", HOW_TO, re.DOTALL)
    mapping = read_mapping(read_yaml(text.encode(), file="gateway.yaml").value)
    assert [compiled(path) for _, path in mapping.json_paths()]
    listed = HOW_TO.split("Placeholders:")[1].split("\n\n")[0]
    assert set(re.findall(r"`\{([a-z_]+)\}`", listed)) == set(PLACEHOLDERS)
