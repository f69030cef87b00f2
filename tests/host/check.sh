# Sourced by the tests of this folder: check() and a folder that goes away with the test.
set -uo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
failures=0

check() { # check WHAT COMMAND...: COMMAND must succeed; what it prints is shown only if it fails
  local what=$1
  shift
  if "$@" >"$scratch/check.out" 2>&1; then
    echo "  ok      $what"
  else
    echo "  FAILED  $what"
    sed 's/^/          /' "$scratch/check.out"
    failures=1
  fi
}

# fails_with STATUS TEXT COMMAND...: it must exit with STATUS and say TEXT on stderr, in one line.
fails_with() {
  local wanted=$1 text=$2 status=0
  shift 2
  "$@" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null || status=$?
  cat "$scratch/stderr"
  [ "$status" = "$wanted" ] || { echo "exit status $status, not $wanted"; return 1; }
  grep -qF -- "$text" "$scratch/stderr" || { echo "'$text' is missing"; return 1; }
  [ ! -s "$scratch/stdout" ] || { echo "printed on stdout: $(cat "$scratch/stdout")"; return 1; }
}

equal() { [ "$1" = "$2" ] || { printf 'got      %s\nexpected %s\n' "$1" "$2"; return 1; }; }

finish() { exit "$failures"; }
