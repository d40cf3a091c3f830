# is strict and uses arrays
set -euo pipefail
declare -A seen=()
add() { local -a numbers=("$@"); local total=0 n; for n in "${numbers[@]}"; do total=$((total + n)); done; seen[$total]=1; echo "$total"; }
