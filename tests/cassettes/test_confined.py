import pytest

from contractcheck.cassettes import create_run
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber


@pytest.mark.parametrize("case", ["../escaped", "a/b", "", "Greet", ".."])
def test_no_exchange_is_written_outside_its_run(tmp_path, make_header, make_exchange, case):
    run = create_run(tmp_path / "runs" / "run", make_header(), Scrubber.for_secrets(()))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecordingError, match="would not stay in the folder"):
        run.append(make_exchange(case=case))
    run.close()
    assert sorted(tmp_path.rglob("*")) == before
