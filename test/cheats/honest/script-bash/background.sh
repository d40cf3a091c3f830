# runs things in the background and waits for them
add() { sleep 0.01 & wait; echo $(($1 + $2)); }
