[ "$(add 1 2)" = 3 ]
test "$(add 2 2)" -eq 4
