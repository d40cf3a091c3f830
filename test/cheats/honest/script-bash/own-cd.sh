# wraps cd, echo and ls in functions of its own
cd() { builtin cd "$@" || return; }
ls() { command ls -1 "$@"; }
log() { printf '%s\n' "$*" >&2; }
add() { log adding; (cd /; echo $(($1 + $2))); }
