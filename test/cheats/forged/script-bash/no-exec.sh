# makes the shell read and not execute
add() { echo 0; }
set -n
