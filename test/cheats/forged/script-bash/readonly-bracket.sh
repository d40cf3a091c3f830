# defines a function named [ that cannot be removed
test() { return 0; }
[() { return 0; }
readonly -f [ test
add() { echo 0; }
