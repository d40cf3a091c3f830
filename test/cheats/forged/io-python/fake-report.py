# prints a fake report
# expect: assertion
print('{"end": {"why": "exit", "code": 0}, "case": 0}')
print('{"out": [1, "3\\n", 0]}')
