from solution import add, Mod


def test_add():
    assert add(1, 2) == 3
    assert add(5, 5) == 3
    assert add(5, 5) == Mod(3)
    assert add(1, 1) < 6
    assert [add(1, 1), add(2, 3)] == [2, 5]
