# What a resident shell says of a command that runs under a record: its output from an offset on, and its end.

M_attach() {
  [ -z "$M_fo" ] || M_reap
  M_file=$M_dir/$2.$3
  { M_stream "$1" "$M_file" "$4" "$5" "$6" "$7" "$8"; exit 0; } </dev/null &
  M_fo=$!
}

# From the one who started it: it takes a while. The supervisor of this channel says with its status whether it has told the end.
M_follow() {
  [ -n "$M_s" ] || return 0
  M_n=0
  until M_read "$M_file.go"; do
    [ -e "$M_file.go" ] || kill -0 "$M_s" 2>/dev/null || return 0
    M_n=$((M_n + 1))
    [ "$M_n" -lt 500 ] || break
    M_nap 0.01
  done
  case $M_line in
  "run $M_s "*)
    M_take "$M_file.tell"
    if [ -e "$M_file.by" ]; then
      { wait "$M_s"; } 2>/dev/null
      [ $? = 3 ] || return 0
    fi
    ;;
  esac
  { M_stream "$1" "$M_file" "$4" "$5" "$6" "$7" "$8"; exit 0; } </dev/null &
  M_fo=$!
}

M_size() {
  M_bytes=0
  [ "$2" -gt 0 ] && [ -f "$1" ] || return 0
  M_bytes=$(wc -c <"$1")
  M_bytes=$((M_bytes + 0))
  [ "$M_bytes" -le "$2" ] || M_bytes=$2
}

# nonce, record, offsets, seconds, steps: all output from the offsets on, and the end.
M_stream() {
  M_n=0
  while :; do
    M_look "$2"
    case $M_state in
    absent) M_refuse "$1" absent && return ;;
    sealed) M_refuse "$1" lost "$M_later" && return ;;
    cancelled) M_refuse "$1" cancelled && return ;;
    writing) [ "$M_n" -lt 300 ] || { M_refuse "$1" lost -; return; } ;;
    running) [ ! -e "$2.err" ] || break ;;
    *) break ;;
    esac
    M_n=$((M_n + 1))
    M_nap 0.01
  done
  [ "$M_state" != running ] || M_arm "$2" "$5" "$6" "$7"
  M_size "$2.out" "$3"
  M_o=$M_bytes
  M_size "$2.err" "$4"
  M_more=
  [ "$M_state" != ended ] || [ -e "$2.err" ] || M_more=' forgotten'
  printf '\036MOLT %s at %s %s%s\n' "$1" "$M_o" "$M_bytes" "$M_more"
  if [ -e "$2.err" ]; then
    exec 3<"$2.out" 4<"$2.err"
  else
    exec 3</dev/null 4</dev/null
  fi
  [ "$M_o" = 0 ] || tail -c "+$((M_o + 1))" <&3
  [ "$M_bytes" = 0 ] || tail -c "+$((M_bytes + 1))" <&4 >&2
  M_n=0 M_idle=0
  while :; do
    # Looked at before the read: what is read after the end is all.
    M_look "$2"
    [ "$M_state" != ending ] || M_settle "$2"
    cat <&3 || exit 0
    [ ! -s "$2.err" ] || cat <&4 >&2 || exit 0
    case $M_state in running | ending) ;; *) break ;; esac
    # The client is gone when the shell that reads its requests is.
    kill -0 $$ 2>/dev/null || exit 0
    M_n=$((M_n + 1))
    case $M_n in
    [1-5]) M_nap 0.01 ;;
    ?) M_nap 0.02 ;;
    [12]?) M_nap 0.05 ;;
    ??) M_nap 0.1 ;;
    *) M_nap 0.25 ;;
    esac
  done
  if [ "$M_state" = ended ]; then
    printf '\036MOLT %s end %s %s %s\n' "$1" "$M_by" "$M_code" "$M_killed"
    printf '\036MOLT %s end\n' "$1" >&2
  else
    M_refuse "$1" lost -
  fi
}

# Who began to end it may have been killed: then what is left is looked at here.
M_settle() {
  M_idle=$((M_idle + 1))
  [ "$M_idle" -ge 40 ] || return 0
  M_settled=verified
  if M_runs "$M_group"; then
    [ "$M_idle" -ge 200 ] || return 0
    M_settled=unverified
  fi
  M_code=-
  ! M_read "$1.rc" || M_code=${M_line%% *}
  M_create "$1.gone" "$M_settled $M_code end"
  M_look "$1"
}

# record, seconds, steps: ends it when its time is up, whoever is connected then.
M_arm() {
  [ "$2" -gt 0 ] && [ ! -e "$1.wd" ] || return 0
  M_left=$2
  if [ -n "$M_proc" ] && read -r M_up M_x </proc/uptime; then
    # In hundredths, and before it is rounded: it must not end early. A 1 in front, as 08 is no number.
    M_x=$(((${M_up%%.*} * 100 + 1${M_up#*.} - 100 - M_super_start) / 100))
    [ "$M_x" -le 0 ] || M_left=$(($2 - M_x))
    [ "$M_left" -ge 0 ] || M_left=0
  fi
  [ "$M_how" != job ] || set -m
  {
    # It may come before there is a sleep to end, and before its number is known. KILL, as a fork that is not yet the sleep still has
    # this trap: a TERM would be lost in it.
    M_z= M_over=
    trap 'M_over=1; [ -z "$M_z" ] || kill -KILL "$M_z"' TERM
    # The sleep shall outlive a session as well.
    trap '' HUP INT
    M_self
    M_create "$1.wd" "$M_pid end" || exit 0
    # The one that ended it meanwhile has not seen this process.
    M_look "$1"
    [ "$M_state" = running ] || exit 0
    sleep "$M_left" &
    M_z=$!
    [ -z "$M_over" ] || kill -KILL "$M_z"
    M_await "$M_z"
    [ -z "$M_over" ] || exit 0
    # Its end is recorded by this one, whoever else has heard that it is over.
    trap '' TERM
    M_end_run "$1" timeout "$3" "$4"
    exit 0
  } </dev/null >/dev/null 2>&1 &
  [ "$M_how" != job ] || set +m
}
