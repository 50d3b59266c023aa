"""JSON answers and tool calls as plain streams: one or a few per path.

Everything is decided on the pooled trials without looking at their side (which paths there are,
whether a text counts as a category), so relabelling the trials stays exact.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from contractcheck.errors import UsageError
from contractcheck.model.json_text import JsonTextError, canonical_json, parse_json
from contractcheck.stats.json_paths import (
    LONGEST_KEY,
    MAX_ELEMENTS,
    MAX_NODES,
    Deep,
    Fenced,
    NotJson,
    Tree,
    bounded,
    read_tree,
)
from contractcheck.stats.samples import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from contractcheck.model.json_value import JsonValue
    from contractcheck.stats.views import Kind, Value

MAX_PATHS: Final = 50
"""Paths that get streams of their own: those in most answers."""

MAX_CATEGORIES: Final = 20
"""Most distinct texts at one path that still count as categories."""

NO_CALL: Final = "<none>"
UNUSUAL: Final = " (unusual)"
"""Ends the name of the stream that says whether an answer has anything rare in it."""

_LONGEST_SEQUENCE = 200
_RARE = 0.1
_ENDS_WITH_PATH = re.compile(r"[ :]\$[^ ]*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Expansion:
    """One structured metric as plain streams.

    Attributes:
        streams: In the order of paths, the most frequent first.
        columns: Values of each stream, one per trial.
        notes: What was left out.
        types: Per path the types of each trial; None where no object could hold it.
        labels: Per path the category of each trial, where there are categories.
    """

    streams: tuple[Stream, ...]
    columns: Mapping[str, Sequence[Value | None]]
    notes: tuple[str, ...]
    types: Mapping[str, Sequence[str | None]]
    labels: Mapping[str, Sequence[str | None]]


def expand_structured(metric: str, texts: Sequence[str | None]) -> Expansion:
    """Take JSON answers apart into streams by path.

    Per path: its type (``absent`` and ``null`` among them), the length of arrays, and its value as
    a number, a category or a text. A text counts as a category when at most 20 different ones
    occur, each twice on average. Paths through an array (``[*]``) take the elements together: the
    median of numbers, the sorted multiset of categories and texts. One more stream says whether
    an answer has any type or category, at whatever path, that is rare (under a tenth): a change of
    a few answers drowns among many paths, and shows there. Streams that never vary are left out. A
    text that is not JSON is a type of the root, ``$``.

    Args:
        metric: Name that the streams' names begin with.
        texts: One per trial; None where there is no answer.
    """
    found = _expand(metric, [None if text is None else read_tree(text) for text in texts])
    if found.streams:
        return found
    # A metric that never varies still is one, with p = 1.
    root = f"{_name(metric, '$')} (type)"
    types = found.types.get("$", [None] * len(texts))
    return replace(found, streams=(Stream(metric=root, kind="label"),), columns={root: list(types)})


def expand_tool_calls(metric: str, calls: Sequence[str | None]) -> Expansion:
    """Take tool calls apart: which tools in which order, and the arguments by path.

    Identifiers of calls play no part. Arguments are paths below the tool's name, such as
    ``lookup_order.arguments.order_id``; several calls of one tool count as elements of an array.

    Args:
        metric: Name that the streams' names begin with.
        calls: One JSON text per trial: a list of objects with ``name`` and ``arguments`` (a text
            where they do not parse); None where there is no answer.

    Raises:
        UsageError: A text is not such a list.
    """
    lists = [None if text is None else _read_calls(metric, text) for text in calls]
    names = [None if own is None else [name for name, _ in own] for own in lists]
    trees: list[Tree | None] = []
    for own in lists:
        tree = None if own is None else Tree()
        for name, arguments in own or ():
            if tree is not None:
                value = NotJson() if isinstance(arguments, str) else arguments
                tree.add(f"{name}.arguments", value)
        trees.append(tree)
    sequences = [None if own is None else _sequence(own) for own in names]
    below = _expand(metric, trees, sequences=sequences)
    columns = dict(_call_columns(metric, names))
    streams = [Stream(metric=key, kind=kind) for key, (kind, _) in columns.items()]
    return Expansion(
        streams=(*streams, *below.streams),
        columns={**{key: values for key, (_, values) in columns.items()}, **below.columns},
        notes=below.notes,
        types=below.types,
        labels={"(sequence)": sequences, **below.labels},
    )


def _call_columns(
    metric: str, names: Sequence[Sequence[str] | None]
) -> Iterator[tuple[str, tuple[Kind, list[Value | None]]]]:
    sequences = [None if own is None else _sequence(own) for own in names]
    yield f"{metric} (sequence)", ("label", list(sequences))
    sets = [None if own is None else _multiset(own) or NO_CALL for own in names]
    # Where the order never varies, the set would say the same again.
    if len(set(sets)) < len(set(sequences)):
        yield f"{metric} (set)", ("label", list(sets))
    counts = [None if own is None else float(len(own)) for own in names]
    # Two numbers of calls are two categories already.
    if len(set(counts) - {None}) > 2:  # noqa: PLR2004 - as the comment says
        yield f"{metric} (calls)", ("number", list(counts))


def _sequence(names: Sequence[str]) -> str:
    return bounded("; ".join(names[:MAX_ELEMENTS]) or NO_CALL, _LONGEST_SEQUENCE)


def _read_calls(metric: str, text: str) -> list[tuple[str, JsonValue]]:
    try:
        calls = parse_json(text)
    except JsonTextError as error:
        raise UsageError(f"metric {metric!r} holds tool calls that are {error}") from error
    if not isinstance(calls, list):
        raise UsageError(f"metric {metric!r}: expected a list of tool calls, got {text[:60]!r}")
    found: list[tuple[str, JsonValue]] = []
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise UsageError(f"metric {metric!r}: a tool call has no name: {text[:60]!r}")
        found.append((bounded(str(call["name"]), LONGEST_KEY), call.get("arguments")))
    return found


def _expand(
    metric: str, trees: Sequence[Tree | None], *, sequences: Sequence[str | None] = ()
) -> Expansion:
    kept, rare = _choose_paths(trees)
    parents = {path: parent for tree in trees if tree for path, parent in tree.parent.items()}
    types = {
        path: [None if tree is None else tree.types(path, parents.get(path)) for tree in trees]
        for path in kept
    }
    columns: dict[str, tuple[Kind, list[Value | None]]] = {}
    labels: dict[str, list[str | None]] = {}
    for path in kept:
        name = _name(metric, path)
        for suffix, kind, values in _streams_of(path, trees, types[path]):
            columns[name + suffix] = (kind, values)
            if kind == "label" and suffix != " (type)":
                labels[path] = [None if value is None else str(value) for value in values]
    marks = _mark_unusual([*types.values(), *labels.values(), sequences])
    columns[metric + UNUSUAL] = ("label", marks)
    if rare:
        columns[f"{metric} (rare paths)"] = ("text", [_rest(tree, rare) for tree in trees])
    varying = {
        key: (kind, values)
        for key, (kind, values) in columns.items()
        if _varies(values, is_root=key == f"{_name(metric, '$')} (type)")
    }
    return Expansion(
        streams=tuple(Stream(metric=key, kind=kind) for key, (kind, _) in varying.items()),
        columns={key: values for key, (_, values) in varying.items()},
        notes=tuple(_notes(metric, trees, rare)),
        types=types,
        labels=labels,
    )


def _name(metric: str, path: str) -> str:
    """Metric and path; a metric that ends with a path, such as ``json:$.order``, is continued."""
    if path.startswith("$") and _ENDS_WITH_PATH.search(metric):
        return metric + path[1:]
    return f"{metric} {path}"


def _choose_paths(trees: Sequence[Tree | None]) -> tuple[list[str], frozenset[str]]:
    """The paths that most answers have, shallow ones first among equals, and the others."""
    counts = Counter(path for tree in trees if tree for path in tree.nodes)
    ranked = sorted(counts, key=lambda path: (-counts[path], len(path), path))
    return ranked[:MAX_PATHS], frozenset(ranked[MAX_PATHS:])


def _streams_of(
    path: str, trees: Sequence[Tree | None], types: Sequence[str | None]
) -> Iterator[tuple[str, Kind, list[Value | None]]]:
    """Suffix, kind and values of the streams of one path."""
    nodes = [[] if tree is None else _opened(tree.nodes.get(path, [])) for tree in trees]
    yield " (type)", "label", list(types)
    yield " (length)", "number", _each(nodes, _mean_length)
    yield "", "number", _each(nodes, _middle)
    words = _each(nodes, _words)
    if any(word is not None for word in words):
        # Numbers at the same path have the plain name.
        suffix = " (words)" if any(_middle(own) is not None for own in nodes) else ""
        yield suffix, "label" if _is_enum(nodes, words) else "text", words


def _each(
    nodes: Sequence[list[JsonValue | NotJson]],
    measure: Callable[[list[JsonValue | NotJson]], Value | None],
) -> list[Value | None]:
    return [measure(own) if own else None for own in nodes]


def _opened(nodes: list[JsonValue | NotJson]) -> list[JsonValue | NotJson]:
    return [node.value if isinstance(node, Fenced) else node for node in nodes]


def _mean_length(nodes: list[JsonValue | NotJson]) -> float | None:
    lengths = [len(node) for node in nodes if isinstance(node, list)]
    return statistics.fmean(lengths) if lengths else None


def _middle(nodes: list[JsonValue | NotJson]) -> float | None:
    numbers = [
        float(node)
        for node in nodes
        if isinstance(node, int | float) and not isinstance(node, bool) and abs(node) < 1e300  # noqa: PLR2004 - an integer may exceed what a double holds
    ]
    return statistics.median(numbers) if numbers else None


def _words(nodes: list[JsonValue | NotJson]) -> str | None:
    """Texts and truth values at one path of one answer, sorted; deep values as JSON."""
    words = sorted(word for node in nodes if (word := _word(node)) is not None)
    return ", ".join(words) if words else None


def _word(node: JsonValue | NotJson) -> str | None:
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, Deep):
        return canonical_json(node.value)
    return node if isinstance(node, str) else None


def _is_enum(nodes: Sequence[list[JsonValue | NotJson]], words: Sequence[Value | None]) -> bool:
    """Few distinct values, each of which comes back: a category (elements count singly)."""
    single = [word for own in nodes for node in own if (word := _word(node)) is not None]
    few = len(set(words) - {None}) <= MAX_CATEGORIES
    return few and 2 * len(set(single)) <= max(len(single), 2)


def _mark_unusual(columns: Sequence[Sequence[str | None]]) -> list[Value | None]:
    """Whether an answer has any type or category that under a tenth of the answers have.

    One stream for what is new at whatever path: a change of a few answers that would drown among
    the streams of twenty paths. Nothing where most answers are unusual in some way.
    """
    marks: list[Value | None] = ["usual"] * max((len(column) for column in columns), default=0)
    for column in columns:
        counts = Counter(value for value in column if value is not None)
        bar = _RARE * sum(counts.values())
        for place, value in enumerate(column):
            if value is not None and counts[value] < bar:
                marks[place] = "unusual"
    return marks if 2 * marks.count("unusual") <= len(marks) else [None] * len(marks)


def _multiset(names: Sequence[str]) -> str:
    counts = Counter(names)
    return ", ".join(name if n == 1 else f"{n} × {name}" for name, n in sorted(counts.items()))


def _rest(tree: Tree | None, rare: frozenset[str]) -> str | None:
    if tree is None:
        return None
    lines = [
        f"{path}: {canonical_json(node)}"
        for path in sorted(rare & set(tree.nodes))
        for node in tree.nodes[path]
        if not isinstance(node, NotJson | dict | list)
    ]
    return "\n".join(lines)


def _varies(values: Sequence[Value | None], *, is_root: bool) -> bool:
    """Whether there is anything to compare; that a value is missing, its parent's type tells."""
    distinct = set(values)
    return len(distinct if is_root else distinct - {None}) > 1


def _notes(metric: str, trees: Sequence[Tree | None], rare: frozenset[str]) -> Iterator[str]:
    if rare:
        yield (
            f"{metric}: {len(rare)} paths beyond the {MAX_PATHS} most frequent ones are compared "
            "together, as one text"
        )
    n_cut = sum(tree is not None and tree.is_cut for tree in trees)
    if n_cut:
        yield (
            f"{metric}: {n_cut} answers hold more than {MAX_NODES} values or longer arrays than "
            "are looked at; what is beyond is not compared"
        )
