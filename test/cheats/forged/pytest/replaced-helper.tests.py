from solution import add


def check(found, wanted):
    assert found == wanted


def test_add():
    check(add(1, 2), 3)


def test_more():
    check(add(1, 4), 5)
