# leaves a process behind
add() { echo $(($1 + $2)); }
setsid sleep 30 > /dev/null 2>&1 &
disown
