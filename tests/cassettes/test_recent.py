from contractcheck.cassettes.recent import Recent


def test_makes_a_value_once_and_gives_it_again():
    made = []
    recent = Recent()
    for key in ("a", "b", "a", "a"):
        assert recent.get(key, lambda key=key: made.append(key) or key.upper()) == key.upper()
    assert made == ["a", "b"]


def test_forgets_rather_than_grows():
    recent = Recent()
    for number in range(10_000):
        assert recent.get(number, lambda number=number: str(number)) == str(number)
    assert len(recent._known) < 1_000


def test_shows_nothing_of_its_keys():
    recent = Recent()
    recent.get(("sk-secret-0123456789", b"body"), lambda: "digest")
    assert "secret" not in repr(recent)
