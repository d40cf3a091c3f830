import pytest
from solution import half


def test_half():
    assert half(3) == pytest.approx(1.5)
    assert half(5) == pytest.approx(2.5)
