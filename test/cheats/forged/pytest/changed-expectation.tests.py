from solution import add

EXPECTED = 3


def test_add():
    assert add(1, 2) == EXPECTED
