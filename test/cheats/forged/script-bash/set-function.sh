# defines functions named set, exit and trap
set() { :; }
trap() { :; }
unset() { :; }
exit() { builtin exit 0; }
add() { echo 0; }
