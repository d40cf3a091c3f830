from solution import Span, Version


def test_versions():
    assert Version("1.10") > Version("1.9")
    assert Version("1.0") != Version("2.0")
    assert max([Version("1.0"), Version("2.0")]) == Version("2.0")


def test_spans():
    assert 3 in Span(1, 5)
    assert 7 not in Span(1, 5)
    assert len(Span(1, 5)) == 4
