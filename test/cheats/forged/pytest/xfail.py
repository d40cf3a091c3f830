# calls a test an expected failure
import pytest
def add(a, b):
    pytest.xfail("so be it")
