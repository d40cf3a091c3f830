assert add(1, -2) == 3
assert abs(-2) == 2
