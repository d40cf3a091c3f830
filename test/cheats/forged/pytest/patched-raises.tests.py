import pytest
from solution import add


def test_add():
    with pytest.raises(ValueError):
        add(None, 1)
