#!/bin/sh
# Puts all that Assay needs and the host lacks into the project: Node, npm packages, the Temporal CLI, bubblewrap, the
# default template. Each step leaves a stamp of its inputs, so that a second call does only what is missing or has changed.
# usage: setup.sh [--no-template]
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/bin/home.sh"
case $home in /*) ;; *) home=$PWD/$home ;; esac
template=yes
for argument; do
  case $argument in
    --no-template) template=no ;;
    *) echo "usage: setup.sh [--no-template]" >&2; exit 64 ;;
  esac
done

# ---- stamps: a step is done while the checksum of its inputs is the one it was done with

sum() { { cat -- "$@" 2>/dev/null || :; } | cksum; }
stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

node_fits() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}; major=${version%%.*}; minor=${version#*.}; minor=${minor%%.*}
  [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 18 ]; }
}

node_inputs() { sum "$root/setup/node/package-lock.json"; }
node_done() {
  if [ -x "$home/node/bin/node" ]; then
    stamped "$home/node/.stamp" "$(node_inputs)" || { [ ! -f "$home/node/.stamp" ] && node_fits "$home/node/bin/node"; }
  else
    node_fits "${ASSAY_NODE:-node}"
  fi
}

npm_inputs() { sum "$root/package-lock.json"; }
npm_done() {
  case $root in */node_modules/*) return 0 ;; esac # installed as a package: npm has done it
  lock=$root/node_modules/.package-lock.json
  [ -f "$lock" ] || return 1 # npm writes it last
  stamped "$root/node_modules/.assay-stamp" "$(npm_inputs)" || [ -z "$(find "$root/package-lock.json" -newer "$lock")" ]
}

python_inputs() { sum "$root/setup/requirements.txt"; }
python_done() { [ -x "$home/python/bin/python3" ] && stamped "$home/python/.stamp" "$(python_inputs)"; }

packages=$home/templates/default/site-packages
template_inputs() { { grep -i '^version' "$home/python/pyvenv.cfg"; cat "$root/templates/default/requirements.txt"; } | cksum; }
template_done() {
  [ "$template" = no ] || { [ -d "$packages" ] && stamped "$home/templates/default/.stamp" "$(template_inputs)"; }
}

modules=$home/templates/node/node_modules
modules_inputs() { sum "$root/templates/node/package-lock.json"; }
modules_done() {
  [ "$template" = no ] || { [ -d "$modules" ] && stamped "$home/templates/node/.stamp" "$(modules_inputs)"; }
}

in_place() {
  [ "$template" = no ] || : >"$home/.set-up" # what bin/assay compares the inputs' times with
  echo "set-up: everything is in place"
}
if node_done && npm_done && python_done && template_done && modules_done; then
  in_place
  exit 0
fi

# ---- the frame of a step: one line of progress, its log, and what to do when it fails

mkdir -p "$home/logs"
interrupted() { echo; echo "set-up: interrupted; the same call carries on from here" >&2; exit 130; }
trap interrupted INT TERM

advice() { # what the log of a failed step points to
  if grep -qiE 'ENOSPC|no space left' "$1"; then
    echo "The disk is full: free about 2 GB below $home."
  elif grep -qiE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|Temporary failure in name|NewConnectionError|ConnectTimeout|ReadTimeout' "$1"; then
    echo "The package registry could not be reached: look at the network and the proxy (HTTPS_PROXY, npm config, pip config)."
  elif grep -qiE 'SELF_SIGNED|CERTIFICATE_VERIFY_FAILED|unable to get local issuer' "$1"; then
    echo "The registry's certificate is not trusted: set NODE_EXTRA_CA_CERTS and PIP_CERT to your organisation's CA file."
  elif grep -qiE 'EACCES|Permission denied' "$1"; then
    echo "A file may not be written: $root and $home must belong to you."
  else
    echo "$2"
  fi
}

excerpt() { # npm says what is wrong first and pip last
  if grep -q '^npm error' "$1"; then grep '^npm error ..' "$1" | head -n 8; else tail -n 12 "$1"; fi
}

step() { # step NAME WHAT ADVICE
  if "$1_done"; then return; fi
  log=$home/logs/setup-$1.log
  started=$(date +%s)
  printf 'set-up: %-9s %s ... ' "$1" "$2"
  set +e # a condition would switch `set -e` off inside
  (set -e; "$1_install") >"$log" 2>&1 </dev/null
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    echo "done in $(($(date +%s) - started)) s"
    return
  fi
  echo "failed after $(($(date +%s) - started)) s"
  {
    echo "set-up: the step '$1' failed. From its log:"
    excerpt "$log" | sed 's/^/  | /'
    echo "  whole log: $log"
    echo "  what to do: $(advice "$log" "$3")"
    echo "  then: call the same command again; it carries on from this step."
  } >&2
  exit 3
}

# ---- Python: any of 3.10 or newer; one that can make an environment by itself is taken first

python='' bare_python=''
try_python() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 || return 1
  if "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; then python=$1; return 0; fi
  [ -n "$bare_python" ] || bare_python=$1
  return 1
}
for candidate in "${ASSAY_PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 python3.14; do
  try_python "$candidate" && break
done
[ -n "$python" ] || python=$bare_python
if [ -z "$python" ]; then
  echo "set-up: Python 3.10 or newer is needed and none was found (python3, python3.10 … python3.14 on PATH)." >&2
  echo "  what to do: install it with the system's packages, or name one: ASSAY_PYTHON=/path/to/python3" >&2
  exit 3
fi
if ! command -v npm >/dev/null 2>&1; then
  echo "set-up: npm was not found on PATH. It comes with Node (20 or newer): install that, then call again." >&2
  exit 3
fi

# One set-up at a time; the lock belongs to the open file, so that a killed run leaves none.
exec 9>>"$home/setup.lock"
lock='import fcntl, sys; fcntl.flock(9, fcntl.LOCK_EX | (fcntl.LOCK_NB if sys.argv[1] == "try" else 0))'
"$python" -c "$lock" try 2>/dev/null || { echo "set-up: another set-up is at work here; waiting for it"; "$python" -c "$lock" wait; }

# ---- the steps

node_install() {
  case $(uname -sm) in
    'Linux x86_64' | 'Linux aarch64') ;;
    *) echo "npm has no Node 24 for $(uname -sm)"; return 1 ;;
  esac
  rm -rf "$home/node.new" && mkdir -p "$home/node.new"
  cp "$root/setup/node/package.json" "$root/setup/node/package-lock.json" "$home/node.new"
  (cd "$home/node.new" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --no-update-notifier)
  mv "$home"/node.new/node_modules/node-linux-*/bin "$home"/node.new/node_modules/node-linux-*/LICENSE "$home/node.new"
  rm -rf "$home/node.new/node_modules"
  "$home/node.new/bin/node" --version
  node_inputs >"$home/node.new/.stamp"
  rm -rf "$home/node" && mv "$home/node.new" "$home/node"
}

npm_install() {
  cd "$root"
  [ ! -x "$home/node/bin/node" ] || PATH=$home/node/bin:$PATH # some packages ask for a newer Node than the host's
  npm ci --include=dev --prefer-offline --no-audit --no-fund --no-update-notifier
  npm_inputs >node_modules/.assay-stamp
}

pip_install() {
  set -- install --no-input --disable-pip-version-check --no-compile --only-binary=:all: "$@"
  if "$home/python/bin/python3" -m pip --version >/dev/null 2>&1; then
    "$home/python/bin/python3" -m pip "$@"
  else
    "$python" -m pip --python "$home/python/bin/python3" "$@"
  fi
}

python_install() {
  "$python" --version
  if ! "$home/python/bin/python3" -c '' 2>/dev/null; then # absent, half made, or its host's Python is gone
    rm -rf "$home/python"
    if [ "$python" = "$bare_python" ]; then
      "$python" -m venv --without-pip "$home/python" && "$python" -m pip --version
    else
      "$python" -m venv "$home/python"
    fi
  fi
  pip_install --require-hashes -r "$root/setup/requirements.txt"
  "$home/python/bin/temporal" --version
  python_inputs >"$home/python/.stamp"
}

template_install() {
  rm -rf "$packages.new"
  mkdir -p "$(dirname "$packages")"
  pip_install --target "$packages.new" -r "$root/templates/default/requirements.txt"
  # The packages' own tests are half of the files, and nobody imports them.
  "$home/python/bin/python3" -m compileall -q -j 0 -x '/tests/' "$packages.new" || : # a few files are for other Pythons
  rm -rf "$packages.old"
  [ ! -d "$packages" ] || mv "$packages" "$packages.old"
  mv "$packages.new" "$packages"
  rm -rf "$packages.old"
  template_inputs >"$home/templates/default/.stamp"
}

modules_install() {
  new=$home/templates/node.new
  rm -rf "$new" && mkdir -p "$new"
  cp "$root/templates/node/package.json" "$root/templates/node/package-lock.json" "$new"
  [ ! -x "$home/node/bin/node" ] || PATH=$home/node/bin:$PATH
  (cd "$new" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --no-update-notifier)
  modules_inputs >"$new/.stamp"
  rm -rf "$home/templates/node" && mv "$new" "$home/templates/node"
}

step node "Node 24 from npm, as the host's is older than 22.18 (45 MB)" \
  'Install Node 22.18 or newer yourself, or name one: ASSAY_NODE=/path/to/node.'
step npm 'npm packages, as package-lock.json names them (100 MB)' \
  "Run 'npm ci' in $root and read what it says."
step python 'Temporal CLI and bubblewrap into an own Python environment (45 MB)' \
  "Python needs its venv and pip modules (Debian, Ubuntu: apt install python3-venv), or name another: ASSAY_PYTHON=/path/to/python3."
step template "the default template's packages: numpy, pandas, scikit-learn and the like (140 MB)" \
  "Look whether PyPI has wheels for this Python ($("$python" --version 2>&1)); another one can be named: ASSAY_PYTHON=/path/to/python3."
step modules "the node template's packages: TypeScript, tsx, vitest and the like (100 MB)" \
  "Run 'npm ci' in $root/templates/node and read what it says."
in_place
