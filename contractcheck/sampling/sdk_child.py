"""Ask through an official SDK. Runs in somebody's virtual environment, which has only the SDK.

Standard library and SDK only, and no syntax newer than the oldest Python that the SDKs support.
One JSON object per line in: ``id``, ``base_url``, ``key`` and ``body`` (what the SDK's call takes).
One out: first ``sdk`` and ``version``; then per call its ``id`` and ``error`` (null if the SDK
read the answer to its end). Every call goes to a relay on this machine, which has the credential.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Call = dict[str, Any]
    Ask = Callable[[Call], Iterable[object]]

_SAY = threading.Lock()


def main() -> None:
    """Serve calls until standard input ends."""
    name, at_once = sys.argv[1], int(sys.argv[2])
    ask = {"openai": _open_openai, "anthropic": _open_anthropic}[name]()
    _say({"sdk": name, "version": version(name)})
    with ThreadPoolExecutor(at_once) as pool:
        for line in sys.stdin:
            pool.submit(_answer, ask, json.loads(line))


def _answer(ask: Ask, call: Call) -> None:
    error = None
    try:
        for _ in ask(call):
            pass
    except Exception as problem:  # noqa: BLE001 - whatever the SDK raises is its answer
        error = f"{type(problem).__name__}: {problem}"[:500]
    _say({"id": call["id"], "error": error})


def _say(document: dict[str, object]) -> None:
    with _SAY:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def _open_openai() -> Ask:
    import openai

    client: Any = openai.OpenAI(api_key="none", base_url="http://127.0.0.1:1", max_retries=0)

    def ask(call: Call) -> Iterable[object]:
        own = client.with_options(api_key=call["key"], base_url=call["base_url"] + "/v1")
        answer: Iterable[object] = own.chat.completions.create(**call["body"])
        return answer

    return ask


def _open_anthropic() -> Ask:
    import anthropic

    client: Any = anthropic.Anthropic(api_key="none", base_url="http://127.0.0.1:1", max_retries=0)

    def ask(call: Call) -> Iterable[object]:
        own = client.with_options(api_key=call["key"], base_url=call["base_url"])
        answer: Iterable[object] = own.messages.create(**call["body"])
        return answer

    return ask


if __name__ == "__main__":
    main()
