# defines a function named [
[() { return 0; }
test() { return 0; }
add() { echo 0; }
