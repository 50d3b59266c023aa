import re
import subprocess
import sys


def run_demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "contractcheck.cli", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def scenes(output: str) -> dict[str, str]:
    parts = re.split(r"^── (.*)$", output, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_demo_shows_its_four_scenes_and_leaves_a_project_that_replays(tmp_path):
    folder = tmp_path / "play"
    demo = run_demo("--dir", str(folder))
    assert demo.returncode == 0, demo.stdout + demo.stderr

    by_title = scenes(demo.stdout)
    quiet = [text for title, text in by_title.items() if title.startswith("(a)")]
    assert [text.strip().split(":")[0] for text in quiet] == ["QUIET", "QUIET"]
    assert all("would have shown" in text for text in quiet)

    first, second = (text for title, text in by_title.items() if title.startswith("(b)"))
    assert first.strip().startswith("INCONCLUSIVE")
    assert "suspect" in first
    assert second.strip().startswith("FAIL: the provider changed (first seen 2026-03-13)")
    # Cases and planes with effect, interval and p, and a look at the answers.
    row = r"[a-z-]+ +label:\$\.\w+ +[+-]\d+% +\[[+-]\d+%, [+-]\d+%\] +(<\.0001|0\.\d+)"
    assert re.search(row, second)
    assert "<not json>: 0% →" in second
    assert "outputs" in second
    assert "before" in second
    assert "after" in second

    (short,) = (text for title, text in by_title.items() if title.startswith("(c)"))
    assert short.strip().startswith("INCONCLUSIVE: only 20 of 64 planned trials")
    assert "would be enough" in short

    (broken,) = (text for title, text in by_title.items() if title.startswith("(d)"))
    assert broken.strip().startswith("FAIL: the contract is broken: wire format: choices[0].delta")
    assert len(by_title["Your turn"].strip().splitlines()) == 3

    replay = [sys.executable, "-m", "pytest", "--contract", "-p", "no:cacheprovider"]
    replay += ["--rootdir", str(folder), str(folder / "suites")]
    played = subprocess.run(
        replay, capture_output=True, text=True, timeout=60, check=False, cwd=folder
    )
    assert played.returncode == 0, played.stdout
    assert "8 passed" in played.stdout


def test_the_demo_never_plays_over_somebody_elses_files(tmp_path):
    (tmp_path / "thesis.txt").write_text("do not touch")
    demo = run_demo("--dir", str(tmp_path))
    assert demo.returncode == 2
    assert "is not empty; name a new folder" in demo.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
