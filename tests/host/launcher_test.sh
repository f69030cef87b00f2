# The launcher: by itself with a loader that tells what it was given, then with the real program.
. "$(dirname "$0")/check.sh"

unbuilt="$scratch/un built"
mkdir "$unbuilt"
cp "$repository/hyprstream" "$unbuilt/"
check "an unbuilt checkout says so" fails_with 1 "hyprstream: not built yet: run make" "$unbuilt/hyprstream" --version
mkdir -p "$unbuilt/build/release/bin" "$unbuilt/build/release/loader"
touch "$unbuilt/build/release/bin/hyprstream"
chmod +x "$unbuilt/build/release/bin/hyprstream"
ln -s /nowhere/loader "$unbuilt/build/release/loader/hyprstream"
check "a build whose private root is gone says so" fails_with 1 "run make" "$unbuilt/hyprstream" --version

# ---- A loader that prints what it got, in a folder with a bad name ----
tree="$scratch/a b:c;d"
mkdir -p "$tree"
cp -r "$unbuilt/." "$tree/"
rm "$tree/build/release/loader/hyprstream"
cat >"$tree/build/release/loader/hyprstream" <<'END'
#!/bin/sh
while [ "${1#*bin/hyprstream}" = "$1" ]; do shift; done
shift
printf '%s|' "$$" "$HYPRSTREAM_PREFIX" "$HYPRSTREAM_MODULES" "$HYPRSTREAM_BACKENDS" "${LD_PRELOAD-unset}" "$@"
case ${1-} in exit) exit "$2" ;; sleep) exec sleep 60 ;; esac
END
chmod +x "$tree/build/release/loader/hyprstream"
base=$tree/build/release
where="$tree|$base/lib|$base/runtime/ggml/backends0|unset|"
said() { "$@" | sed '1s/^[^|]*|//'; }

check "arguments arrive unharmed" equal "$(said "$tree/hyprstream" run 'a  b' '' "q'\"" '*' $'two\nlines')" \
  "${where}run|a  b||q'\"|*|two"$'\nlines|'
exit_status() { "$@" >/dev/null; echo $?; }
check "exit codes pass through" equal "$(for code in 0 1 2 130; do exit_status "$tree/hyprstream" exit $code; done | paste -sd,)" 0,1,2,130
mkdir -p "$scratch/links/bin"
ln -s "../../${tree##*/}/hyprstream" "$scratch/links/bin/first"
ln -s first "$scratch/links/bin/hyprstream"
check "through a link to a link" equal "$(said "$scratch/links/bin/hyprstream")" "$where"
check "through PATH" equal "$(PATH=$scratch/links/bin:$PATH; said hyprstream)" "$where"
check "from its own folder" equal "$(cd "$tree" && said ./hyprstream)" "$where"
check "from a folder below" equal "$(cd "$tree/build" && said ../hyprstream | sed 's|/build/\.\.||g')" "$where"
check "given to a shell by name" equal "$(cd "$tree" && said sh hyprstream)" "$where"
check "a preloaded library is not passed on" \
  equal "$(LD_PRELOAD='' said "$tree/hyprstream")" "$where"
keeps_its_process() {
  "$tree/hyprstream" sleep >"$scratch/pid" &
  local child=$! status=0
  for _ in $(seq 100); do [ ! -s "$scratch/pid" ] || break; sleep 0.05; done
  kill -TERM $child
  wait $child || status=$?
  equal "$(cut -d'|' -f1 "$scratch/pid") $status" "$child 143"
}
check "it becomes the program: same process id, and signals reach it" keeps_its_process

# ---- The real program ----
generate=(quick-start --seed 1 --max-tokens 5 --temperature 0 --json)
text() { grep -oE '"text": *"([^"\\]|\\.)*"' || { echo "no text in the output"; return 1; }; }
expected=$(cd "$repository" && ./hyprstream "${generate[@]}" | text)
check "the program generates text" test -n "$expected"
mkdir -p "$scratch/x y:z"
cp "$repository/hyprstream" "$scratch/x y:z/"
ln -s "$repository/build" "$repository/models" "$scratch/x y:z/"
check "it runs from a folder with a space and a colon" equal "$(cd / && "$scratch/x y:z/hyprstream" "${generate[@]}" | text)" "$expected"
mkdir "$scratch/junk"
touch "$scratch/junk/libllama.so.0"
check "it ignores libraries and preloads of the user's" equal "$(LD_LIBRARY_PATH=$scratch/junk \
  LD_PRELOAD=$scratch/junk/none.so "$repository/hyprstream" "${generate[@]}" 2>/dev/null | text)" "$expected"
check "the SQL module loads" "$repository/hyprstream" --version
check "it runs inside the private root" equal \
  "$(cd "$repository" && tools/root/root.sh exec ./hyprstream "${generate[@]}" | text)" "$expected"
check "a usage error exits with 2" equal "$(exit_status "$repository/hyprstream" --no-such-option 2>/dev/null)" 2
finish
