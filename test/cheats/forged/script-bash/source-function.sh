# defines functions named . and source
.() { :; }
source() { :; }
add() { echo 0; }
