# turns off that errors end the tests
# expect: any
set +e
add() { set +e; echo 0; }
set() { :; }
