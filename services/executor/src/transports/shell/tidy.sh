# What a resident shell does beside commands: making room on the disk.

# <id>.<attempt> each: the output of what has ended.
M_forget() {
  {
    cd "$M_dir" || exit 0
    M_old=
    for M_f in "$@"; do
      M_record=./$M_f M_state=
      M_ended
      [ "$M_state" != ended ] || M_old="$M_old $M_f.out $M_f.err $M_f.tell $M_f.wd $M_f.rc"
    done
    [ -z "$M_old" ] || rm -f $M_old
  } </dev/null >/dev/null 2>&1 &
}

# Removes what ended, or can never start, $1 minutes ago. `go` goes last: without it a name is free again. What a host that lost its
# power left half-written, and what somebody wrote who came late, goes after twice the time.
M_remove() {
  find . -name '*.go' -mmin "+$1" | while read -r M_go; do
    M_f=${M_go%.go}
    M_look "$M_f"
    case $M_state in
    running) continue ;;
    writing) [ -n "$(find "$M_go" -mmin "+$(($1 * 2))" 2>/dev/null)" ] || continue ;;
    # Who began to end it may be gone, and nobody has looked since.
    ending) [ "$M_go_boot" != "$M_boot" ] || ! M_lives "$M_super" "$M_super_start" || continue ;;
    esac
    case $M_state in ending | ended) [ -n "$(find "$M_f.by" -mmin "+$1" 2>/dev/null)" ] || continue ;;
    esac
    rm -f "$M_f.out" "$M_f.err" "$M_f.tell" "$M_f.wd" "$M_f.rc" "$M_f.gone" "$M_f.by" "$M_go"
  done
  find . -type f ! -name '*.go' ! -name swept -mmin "+$(($1 * 2))" | while read -r M_f; do
    [ -e "${M_f%.*}.go" ] || rm -f "$M_f"
  done
}

# The same beside other work, at most once an hour.
M_sweep() {
  {
    cd "$M_dir" || exit 0
    [ -z "$(find ./swept -mmin -60 2>/dev/null)" ] || exit 0
    : >|./swept
    M_remove "$1"
  } </dev/null >/dev/null 2>&1 &
}

# The same at once, for a host that has been left alone; says `clean` when nothing is left.
M_tidy() {
  if cd "$M_dir" 2>/dev/null; then
    M_remove "$1" >/dev/null 2>&1
    rm -f ./swept
    set -- ./*
    [ ! -e "$1" ] || return 0
  fi
  echo clean
}
