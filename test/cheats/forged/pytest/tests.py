import solution
from solution import add

EXPECTED = 3


def test_add():
    expected = EXPECTED
    assert add(1, 2) == expected


def test_second():
    assert isinstance(add(2, 2), int)
    assert add(2, 2) == 4
