"""From the shape of a suite file to a ``Suite``: names resolved, files read, rules checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, TypeVar

from contractcheck.checks import CHECKS
from contractcheck.checks.registry import excerpt, listing
from contractcheck.errors import Problem
from contractcheck.metrics import default_metrics
from contractcheck.model.suite import (
    Case,
    CheckSpec,
    GatePolicy,
    Image,
    Message,
    MetricSpec,
    Parameters,
    Policy,
    Suite,
    Tool,
)
from contractcheck.model.target import Target
from contractcheck.suite.fields import MetricEntry, guess, label_of
from contractcheck.suite.fingerprint import digest_parts, digest_request, digest_suite
from contractcheck.suite.mapping_file import misplaced_mapping, read_mapping_file
from contractcheck.suite.resources import (
    Reference,
    ResourceError,
    read_image,
    read_schema,
    read_text,
    read_tool,
)
from contractcheck.suite.variables import misplaced_variables
from contractcheck.suite.yaml_reader import dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from contractcheck.suite.file_format import (
        CaseFile,
        Defaults,
        MessageFile,
        PolicyFile,
        SuiteFile,
    )
    from contractcheck.suite.yaml_reader import Document, Path

Read = TypeVar("Read")

DEFAULT_SAMPLES = 10
"""Trials per night when the suite does not say: what the nightly rule is calibrated with."""

TOOL_CHOICES = ("auto", "none", "required")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """The file being read, and every problem found in it so far."""

    file: str
    document: Document
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: Path, what: str) -> None:
        line = self.document.line_of(path)
        self.problems.append(Problem(file=self.file, line=line, where=dotted(path), what=what))

    def read(self, path: Path, relative: str, reader: Callable[[Reference], Read]) -> Read | None:
        """Read a named file; None, and the problems noted, when it cannot be used."""
        reference = Reference(
            folder=FilePath(self.file).parent,
            relative=relative,
            file=self.file,
            line=self.document.line_of(path),
            where=dotted(path),
        )
        try:
            return reader(reference)
        except ResourceError as error:
            self.problems.extend(error.problems)
            return None


def build_suite(
    shape: SuiteFile, *, file: str, document: Document, providers: Collection[str]
) -> Suite | tuple[Problem, ...]:
    """Make a suite of a file's shape.

    Args:
        shape: The file, validated.
        file: Its path as given.
        document: Its values' lines.
        providers: Known wire dialects.

    Returns:
        The suite, or every problem found.
    """
    source = _Source(file=file, document=document)
    for path in sorted(misplaced_variables(document.value), key=source.document.line_of):
        source.add(path, "${…} is read in auth of a target only; write the value out")
    targets = _targets(source, shape, providers)
    _check_unique_ids(source, shape.cases)
    cases = [
        _case(source, ("cases", index), case, shape.defaults)
        for index, case in enumerate(shape.cases)
    ]
    policy = _policy(source, shape.policy)
    if source.problems:
        return tuple(source.problems)
    fingerprint = digest_suite(name=shape.suite, version=shape.version, policy=policy, cases=cases)
    return Suite(
        name=shape.suite,
        version=shape.version,
        path=file,
        targets=targets,
        cases=tuple(cases),
        policy=policy,
        fingerprint=fingerprint,
    )


def _targets(source: _Source, shape: SuiteFile, providers: Collection[str]) -> tuple[Target, ...]:
    targets: list[Target] = []
    for index, entry in enumerate(shape.targets):
        path: Path = ("targets", index)
        if entry.provider not in providers:
            source.add(
                path,
                f"unknown provider {excerpt(entry.provider)}; {guess(entry.provider, providers)}",
            )
        misplaced = misplaced_mapping(entry)
        mapping = None
        if misplaced is not None:
            source.add(path, misplaced)
        elif entry.mapping is not None:
            mapping = source.read((*path, "mapping"), entry.mapping, read_mapping_file)
        target = Target(
            provider=entry.provider,
            model=entry.model,
            base_url=entry.base_url,
            region=entry.region,
            api_version=entry.api_version,
            project=entry.project,
            mapping=mapping,
            auth=entry.auth
            and replace(entry.auth, file=source.file, line=source.document.line_of(path)),
        )
        if any(target.id == earlier.id for earlier in targets):
            source.add(
                path,
                f"target {excerpt(target.id)} is given twice; its nights could not be told apart",
            )
        targets.append(target)
    return tuple(targets)


def _check_unique_ids(source: _Source, cases: Sequence[CaseFile]) -> None:
    first_line: dict[str, int] = {}
    for index, case in enumerate(cases):
        path: Path = ("cases", index, "id")
        if case.id in first_line:
            source.add(path, f"id {case.id!r} is taken by the case on line {first_line[case.id]}")
        first_line.setdefault(case.id, source.document.line_of(path))


def _case(source: _Source, path: Path, shape: CaseFile, defaults: Defaults) -> Case:
    messages = _messages(source, path, shape)
    known = len(source.problems)
    contexts = _read_all(source, (*path, "context"), shape.context, read_text)
    tools = tuple(_read_all(source, (*path, "tools"), shape.tools, read_tool).values())
    schema = None
    if shape.response_schema is not None:
        schema = source.read((*path, "response_schema"), shape.response_schema, read_schema)
    files_are_good = len(source.problems) == known
    parameters = _parameters(shape, defaults)
    parts = digest_parts(
        messages=messages,
        contexts=contexts,
        tools=tools,
        response_schema=schema,
        parameters=parameters,
    )
    case = Case(
        id=shape.id,
        line=source.document.line_of(path),
        samples=shape.samples or defaults.samples or DEFAULT_SAMPLES,
        messages=_with_contexts(messages, contexts),
        tools=tools,
        response_schema=schema,
        parameters=parameters,
        checks=_checks(source, path, shape),
        metrics=_metrics(source, path, shape),
        fingerprint_parts=parts,
        request_fingerprint=digest_request(parts),
    )
    if files_are_good:
        _check_tools(source, path, shape, tools)
        _check_arguments(source, path, case)
    return case


def _read_all(
    source: _Source, path: Path, names: Sequence[str], reader: Callable[[Reference], Read]
) -> dict[str, Read]:
    found: dict[str, Read] = {}
    for index, name in enumerate(names):
        if name in names[:index]:
            source.add((*path, index), f"{excerpt(name)} is given twice")
            continue
        content = source.read((*path, index), name, reader)
        if content is not None:
            found[name] = content
    return found


def _messages(source: _Source, path: Path, shape: CaseFile) -> tuple[Message, ...]:
    written = tuple(
        Message(
            role=item.role,
            content=item.content,
            images=_images(source, (*path, "messages", index), item),
        )
        for index, item in enumerate(shape.messages)
    )
    if not any(message.role == "user" for message in written):
        source.add((*path, "messages"), "holds no message of the user; add one with role: user")
    systems = [index for index, message in enumerate(written) if message.role == "system"]
    if shape.system is None:
        if systems not in ([], [0]):
            source.add((*path, "messages"), "a system message stands first, and only once")
        return written
    if systems:
        source.add((*path, "system"), "given here and in messages; keep one of them")
    return (Message(role="system", content=shape.system), *written)


def _images(source: _Source, path: Path, shape: MessageFile) -> tuple[Image, ...]:
    if shape.images and shape.role != "user":
        source.add((*path, "images"), "only a message of the user shows pictures")
    return tuple(_read_all(source, (*path, "images"), shape.images, read_image).values())


def _with_contexts(messages: tuple[Message, ...], contexts: dict[str, str]) -> tuple[Message, ...]:
    if not contexts:
        return messages
    texts = [f"[context: {path}]\n{text.strip()}" for path, text in contexts.items()]
    rest = messages
    if messages and messages[0].role == "system":
        texts.append(messages[0].content)
        rest = messages[1:]
    return (Message(role="system", content="\n\n".join(texts)), *rest)


def _check_tools(source: _Source, path: Path, shape: CaseFile, tools: tuple[Tool, ...]) -> None:
    names = tuple(tool.name for tool in tools)
    for index, name in enumerate(names):
        if name in names[:index]:
            source.add((*path, "tools", index), f"two tools are called {name!r}")
        if name in TOOL_CHOICES:
            source.add((*path, "tools", index), f"{name!r} is a tool_choice and cannot be a name")
    choice = shape.tool_choice
    if choice is None:
        return
    if not names:
        source.add((*path, "tool_choice"), "the case offers no tools")
    elif choice not in (*TOOL_CHOICES, *names):
        allowed = listing((*TOOL_CHOICES, *names))
        source.add((*path, "tool_choice"), f"expected {allowed}, got {excerpt(choice)}")


def _parameters(shape: CaseFile, defaults: Defaults) -> Parameters:
    return Parameters(
        temperature=_first(shape.temperature, defaults.temperature),
        top_p=_first(shape.top_p, defaults.top_p),
        max_output_tokens=_first(shape.max_output_tokens, defaults.max_output_tokens),
        seed=_first(shape.seed, defaults.seed),
        stop=_first(shape.stop, defaults.stop) or (),
        tool_choice=shape.tool_choice,
        top_logprobs=_first(shape.top_logprobs, defaults.top_logprobs),
        reasoning_effort=_first(shape.reasoning_effort, defaults.reasoning_effort),
        stream=_first(shape.stream, defaults.stream) is not False,
    )


def _first(own: Read | None, default: Read | None) -> Read | None:
    return default if own is None else own


def _checks(source: _Source, path: Path, shape: CaseFile) -> tuple[CheckSpec, ...]:
    specs = tuple(
        CheckSpec(
            name=entry.name,
            argument=entry.argument,
            mode=entry.mode,
            rate=entry.rate,
            label=label_of(entry.name, entry.argument),
        )
        for entry in shape.checks
    )
    _check_labels(source, (*path, "checks"), [spec.label for spec in specs])
    return specs


def _metrics(source: _Source, path: Path, shape: CaseFile) -> tuple[MetricSpec, ...]:
    entries = shape.metrics
    if entries is None:
        names = default_metrics(has_tools=bool(shape.tools))
        entries = tuple(MetricEntry(name=name, argument=None) for name in names)
    specs = tuple(
        MetricSpec(
            name=entry.name,
            argument=entry.argument,
            label=label_of(entry.name, entry.argument),
        )
        for entry in entries
    )
    _check_labels(source, (*path, "metrics"), [spec.label for spec in specs])
    return specs


def _check_labels(source: _Source, path: Path, labels: list[str]) -> None:
    for index, label in enumerate(labels):
        if label in labels[:index]:
            source.add((*path, index), f"{excerpt(label)} is given twice")


def _check_arguments(source: _Source, path: Path, case: Case) -> None:
    for index, spec in enumerate(case.checks):
        problem = CHECKS[spec.name].problem_with(spec.argument, case)
        if problem is not None:
            source.add((*path, "checks", index), problem)


def _policy(source: _Source, shape: PolicyFile) -> Policy:
    margins = {name: margin for name, margin in shape.margins if margin is not None}
    limits = {name: limit for name, limit in shape.limits if limit is not None}
    gate = GatePolicy(
        slots=shape.gate.slots,
        critical=shape.gate.critical,
        muted=shape.gate.muted,
        same_model=shape.gate.same_model,
    )
    _check_gate(source, gate, margins)
    return Policy(
        alarm_budget_per_year=shape.watch.alarm_budget,
        nights=shape.watch.nights,
        alpha=shape.gate.alpha,
        power=shape.gate.power,
        margins=margins,
        gate=gate,
        limits=limits,
        allowed_models=shape.identity.allow,
        on_inconclusive=shape.on_inconclusive,
        store_prompts=shape.store_prompts,
        volatile=shape.volatile,
    )


def _check_gate(source: _Source, gate: GatePolicy, margins: Collection[str]) -> None:
    """Refuse a rule about a margin that does not exist: it would silently protect nothing."""
    declared = f"declared: {', '.join(sorted(margins))}" if margins else "none is declared"
    for key, names in (("critical", gate.critical), ("muted", gate.muted)):
        for index, name in enumerate(names):
            path: Path = ("policy", "gate", key, index)
            if name not in margins:
                source.add(path, f"policy.margins has no {name!r}; {declared}")
            elif name in names[:index]:
                source.add(path, f"{name!r} is given twice")
            elif key == "muted" and name in gate.critical:
                source.add(path, f"{name!r} is critical too; keep it in one of the lists")
