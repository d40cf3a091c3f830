# leaves a trap that ends with success
# expect: any
trap 'exit 0' EXIT
add() { echo 0; }
