#!/bin/bash
# Go's Flight SQL client, as Debian has it, against the server. Go and Arrow's module are in a root of their own, which
# only this test needs: it is skipped while that root is not there, unless HYPRSTREAM_GO_ROOT is set.
#   HYPRSTREAM_PACKAGES=tools/root/packages-go.txt tools/root/root.sh prepare
source "$(dirname "$0")/check.sh"
cd "$repository"
go_root() { HYPRSTREAM_PACKAGES=tools/root/packages-go.txt HYPRSTREAM_ROOT=auto tools/root/root.sh "$@"; }
if [ -z "${HYPRSTREAM_GO_ROOT:-}" ] && [ ! -d "$(go_root path)/usr" ]; then
  echo "  skipped the root of tools/root/packages-go.txt is not there"
  finish
fi
check "its root can be made" go_root prepare

client=build/go-client
mkdir -p "$client" && cp tests/go/client.go "$client/"
# Debian's Go packages are a GOPATH; nothing is taken from the network.
check "the client compiles" go_root exec env GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode GOCACHE="$repository/$client/cache" \
  go build -o "$client/client" "$client/client.go"

key=0123456789abcdef
(umask 077 && echo "admin root $key" >"$scratch/keys")
tools/root/root.sh exec openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$scratch/key.pem" -out "$scratch/cert.pem" \
  -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1
for tls in "" "$scratch/cert.pem"; do
  mkfifo "$scratch/hold"
  tools/root/root.sh exec build/release/bin/flight_server_main --keys "$scratch/keys" \
    ${tls:+--tls-cert "$tls" --tls-key "$scratch/key.pem"} <"$scratch/hold" >"$scratch/port" 2>"$scratch/errors" &
  exec 8>"$scratch/hold"
  for _ in $(seq 100); do
    [ -s "$scratch/port" ] && break
    sleep 0.1
  done
  check "all its checks pass${tls:+ with TLS}" go_root exec timeout 180 "$client/client" "$(cat "$scratch/port")" "$key" ${tls:+"$tls"}
  exec 8>&-
  wait
  rm "$scratch/hold"
done
finish
