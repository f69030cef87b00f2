#!/bin/bash
# OpenAI's npm package, in the version that tests/npm/package-lock.json pins, against the server. npm is the host's,
# node the private root's: the package wants a newer one than a host may have.
source "$(dirname "$0")/check.sh"
cd "$repository"
if ! command -v npm >/dev/null; then
  echo "  skipped npm is not on this machine"
  finish
fi
client=$repository/build/npm-client
install_client() {
  mkdir -p "$client" && cp tests/npm/{package.json,package-lock.json,client.mjs} "$client/" &&
    (cd "$client" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error)
}
check "npm installs the client" install_client

export HYPRSTREAM_HOME=$scratch/home
./hyprstream lora create --name pirate --sparsity 0.5 >/dev/null 2>&1
./hyprstream server --port 0 2>"$scratch/server" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf --one-file-system "$scratch"' EXIT
for _ in $(seq 100); do
  grep -q http "$scratch/server" && break
  sleep 0.1
done
url=$(grep -o 'http://[^ ]*' "$scratch/server")
check "all its checks pass" timeout 120 tools/root/root.sh exec node build/npm-client/client.mjs "$url"
finish
