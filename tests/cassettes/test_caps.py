import pytest

from contractcheck.cassettes import caps
from contractcheck.cassettes.caps import MOST_GIT_BYTES, words_about_size
from contractcheck.errors import RecordingError

MIB = 1 << 20


def test_files_up_to_the_cap_go_into_version_control():
    assert words_about_size({"a": MOST_GIT_BYTES, "b": 0}, MOST_GIT_BYTES) is None
    assert words_about_size({}, MOST_GIT_BYTES) is None


def test_larger_ones_are_named_largest_first_with_what_helps():
    sizes = {f"case-{number}": (5 + number) * MIB for number in range(8)}
    words = words_about_size(sizes, MOST_GIT_BYTES)
    assert words.startswith(
        "would put case files of more than 5.0 MB into version control: case-7 (12.0 MB), "
        "case-6 (11.0 MB), case-5 (10.0 MB), case-4 (9.0 MB), case-3 (8.0 MB) and 2 more; "
    )
    for remedy in ("fewer samples", "store_prompts: hash", "--max-cassette-mb"):
        assert remedy in words


def test_a_line_and_a_count_at_the_bound_pass_and_beyond_it_are_named():
    caps.refuse_long_line(caps.MOST_LINE_BYTES, "x.jsonl:3")
    caps.refuse_many_lines(caps.MOST_LINES, "x.jsonl")
    with pytest.raises(RecordingError, match=r"^x\.jsonl:3: a line of more than 64 MiB"):
        caps.refuse_long_line(caps.MOST_LINE_BYTES + 1, "x.jsonl:3")
    with pytest.raises(RecordingError, match=r"^x\.jsonl: more than 1,000,000 lines; give the"):
        caps.refuse_many_lines(caps.MOST_LINES + 1, "x.jsonl")
