# skips the commands of the tests by a trap
# expect: any
shopt -s extdebug
trap 'return 1' DEBUG
set -T
add() { echo 0; }
