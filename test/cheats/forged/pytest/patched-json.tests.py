import json
from solution import add


def test_add():
    assert json.dumps({"sum": add(1, 2)}) == json.dumps({"sum": 3})
