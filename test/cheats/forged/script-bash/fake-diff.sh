# puts a diff of its own first in the path
# expect: any
mkdir -p bin
printf '#!/bin/sh\nexit 0\n' > bin/diff
chmod +x bin/diff
PATH="$PWD/bin:$PATH"
hash -p "$PWD/bin/diff" diff
add() { echo 0; }
