# adds a folder of its own to the path and uses traps
mkdir -p tools
printf '#!/bin/sh\necho $(($1 + $2))\n' > tools/sum
chmod +x tools/sum
PATH="$PATH:$PWD/tools"
trap 'true' EXIT
trap 'true' ERR
add() { sum "$@"; }
