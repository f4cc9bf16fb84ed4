# The record of a guarded command: flat files <directory>/run/<id>.<attempt>.<what>. POSIX sh, builtins wherever there is one.
# Every decision is one O_EXCL creation under noclobber, and a file counts only when its last word, `end`, is there.
#   go    who may run it: `run <supervisor pid> <its start> <leader pid> <its start> <boot> <systemd scope or -> end`,
#         `sealed <attempt> end` or `cancel - end`: then it can never start
#   by    what ended it: `self <status> end`, `nodir - end`, `cancel - end`, `timeout - end`
#   rc    the status of a leader that another ended: `<status> end`
#   gone  whether the group of such a one was seen to be gone: `<verified|unverified> <status or -> end`
#   tell  there when the follower of the channel that started it speaks, and not the supervisor
#   wd    the pid of the process that ends it when its time is up
#   out, err

# M_pid and M_start of this very process, where /proc tells; a subshell has the $$ of its parent.
M_self() {
  if [ -n "$M_proc" ]; then
    # Field 22 of proc(5); the name of a shell, field 2, has no blanks.
    read -r M_pid M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_x M_start M_x </proc/self/stat
  else
    M_pid=$(exec /bin/sh -c 'echo $PPID')
    M_start=$(M_since "$M_pid")
  fi
}

# When the process $1 started, as ps tells it to everybody alike.
M_since() { LC_ALL=C TZ=UTC0 ps -o lstart= -p "$1" | tr -s ' ' _; }

# There is a process of the pid $1, maybe a zombie: M_stat is its state and, of /proc, what follows.
M_exists() {
  if [ -n "$M_proc" ]; then
    { read -r M_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    M_stat=${M_stat##*") "}
  else
    M_stat=$(ps -o stat= -p "$1")
    [ -n "$M_stat" ]
  fi
}

# The process $1, which exists, started at $2.
M_is() {
  if [ -n "$M_proc" ]; then
    M_start_of=$2
    set -- $M_stat
    shift 19
    [ "$1" = "$M_start_of" ]
  else
    [ "$(M_since "$1")" = "$2" ]
  fi
}

# A process of the pid $1 runs; a zombie does not.
M_there() {
  M_exists "$1" || return 1
  case $M_stat in Z* | X*) return 1 ;; esac
}

# The process $1 that started at $2 runs.
M_lives() { M_there "$1" && M_is "$1" "$2"; }

# Something of the group $1 runs. Where a first process reaps nobody the dead stay listed: they run nothing.
M_runs() {
  kill -0 "-$1" 2>/dev/null || return 1
  [ -n "$M_proc" ] || return 0
  M_g=$1
  for M_f in /proc/[0-9]*/stat; do
    { read -r M_stat <"$M_f"; } 2>/dev/null || continue
    set -- ${M_stat##*") "}
    [ "$3" = "$M_g" ] && [ "$1" != Z ] && return 0
  done
  return 1
}

M_nap() { sleep "$1" 2>/dev/null || sleep 1; }

# Creates the file $1 with the line $2; fails when it exists.
M_create() {
  M_opened=
  set -C
  { { M_opened=1; printf '%s\n' "$2"; } >"$1"; } 2>/dev/null
  M_created=$?
  set +C
  # The disk is full: nothing was decided.
  [ "$M_created" = 0 ] || [ -z "$M_opened" ] || rm -f "$1"
  return "$M_created"
}

# Creates the empty file $1; fails when it exists. It needs no room on the disk.
M_take() {
  set -C
  { printf '' >"$1"; } 2>/dev/null
  M_taken=$?
  set +C
  return "$M_taken"
}

# Reads the line of the file $1 into M_line; fails until its last word is there.
M_read() {
  M_line=
  [ -s "$1" ] && { read -r M_line <"$1"; } 2>/dev/null
  case $M_line in *' end') return 0 ;; esac
  return 1
}

# M_state of the record $1: absent, writing, sealed, cancelled, running, ending, ended or lost.
# M_go_* say who runs it; of an ended one M_by, M_code (- for none) and M_killed (-, verified, unverified).
M_look() {
  M_by=- M_code=- M_killed=- M_super=
  if ! M_read "$1.go"; then
    M_state=absent
    [ ! -e "$1.go" ] || M_state=writing
    return
  fi
  M_record=$1
  set -- $M_line
  case $1 in
  sealed) M_state=sealed M_later=$2 && return ;;
  cancel) M_state=cancelled && return ;;
  esac
  M_super=$2 M_super_start=$3 M_group=$4 M_group_start=$5 M_go_boot=$6 M_scope=$7
  if M_ended; then return; fi
  if [ "$M_go_boot" = "$M_boot" ] && M_lives "$M_super" "$M_super_start"; then
    M_state=running
  # It may have ended just before it was looked at.
  elif ! M_ended; then
    M_state=lost
  fi
  [ "$M_state" != running ] || ! M_read "$M_record.by" || M_ended
}

M_ended() {
  M_read "$M_record.by" || return 1
  set -- $M_line
  M_by=$1 M_code=$2 M_state=ended
  case $M_by in self | nodir) return 0 ;; esac
  M_state=ending
  if M_read "$M_record.gone"; then
    set -- $M_line
    M_killed=$1 M_code=$2 M_state=ended
  fi
  return 0
}

# Ends the group $1: TERM, after $2 steps of 50 ms KILL, given up after $3 steps. M_verdict: gone, alive or denied.
# A leader may not have become one yet: its group is waited for.
M_end_group() {
  M_i=0 M_termed=
  while [ "$M_i" -lt "$3" ]; do
    if kill -0 "-$1" 2>/dev/null; then
      [ -n "$M_termed" ] || { kill -TERM "-$1" 2>/dev/null; M_termed=1; }
      [ "$M_i" -lt "$2" ] || kill -KILL "-$1" 2>/dev/null
      M_i=$((M_i + 1))
      # A look at all processes is dear where there are many: it only tells zombies from what runs.
      [ $((M_i % 8)) != 0 ] && [ "$M_i" -le "$2" ] || M_runs "$1" || break
      [ "$M_i" -gt 1 ] || { M_nap 0.01; continue; }
    elif [ -n "$M_termed" ] || ! M_there "$1"; then
      break
    else
      M_i=$((M_i + 1))
    fi
    M_nap 0.05
  done
  M_verdict=gone
  if M_runs "$1" || { [ -z "$M_termed" ] && M_there "$1"; }; then
    M_verdict=alive
    return
  fi
  # macOS says so of a group of zombies as well, until somebody has waited for them.
  M_n=0
  while M_denies "$1"; do
    [ "$M_n" -lt 20 ] || { M_verdict=denied; return; }
    M_n=$((M_n + 1))
    M_nap 0.05
  done
}

M_denies() {
  case $(LC_ALL=C; export LC_ALL; kill -0 "-$1" 2>&1) in *[Pp]ermi*) return 0 ;; esac
  return 1
}

# Ends the run of the record $1 for the reason $2, with the steps $3 and $4 of M_end_group. What never started never can.
# The state is in M_state afterwards; `ended` means it is verified, or known not to be.
M_end_run() {
  [ -d "${1%/*}" ] || mkdir -p "${1%/*}" 2>/dev/null
  [ -e "$1.go" ] || M_create "$1.go" "cancel - end"
  M_n=0
  M_look "$1"
  while [ "$M_state" = writing ] && [ "$M_n" -lt 40 ]; do
    M_n=$((M_n + 1))
    M_nap 0.05
    M_look "$1"
  done
  case $M_state in running | ending | lost) ;; *) return ;; esac
  M_was=$M_state
  if [ "$M_was" != lost ]; then
    M_create "$1.by" "$2 - end"
    M_look "$1"
    [ "$M_state" = ending ] || return
  elif [ "$M_go_boot" != "$M_boot" ]; then
    return
  elif M_exists "$M_group"; then
    # Its pid may be another's by now.
    M_is "$M_group" "$M_group_start" || return
  elif [ "$M_boot" = - ]; then
    # Nothing tells whether the host has restarted since, and whose group this is.
    return
  fi
  [ "$M_scope" = - ] || M_systemctl kill --signal=TERM "$M_scope" 2>/dev/null
  M_end_group "$M_group" "$3" "$4"
  [ "$M_scope" = - ] || M_systemctl kill --signal=KILL "$M_scope" 2>/dev/null
  [ "$M_was" != lost ] || return
  M_n=0
  until M_read "$1.rc" || [ "$M_n" -ge 20 ] || ! M_lives "$M_super" "$M_super_start"; do
    M_n=$((M_n + 1))
    M_nap 0.05
  done
  M_read "$1.rc"
  set -- "$1" ${M_line:-- end}
  case $M_verdict in gone) M_line=verified ;; *) M_line=unverified ;; esac
  M_create "$1.gone" "$M_line $2 end"
  M_look "$1"
}

M_systemctl() { XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$M_uid} systemctl $M_user "$@"; }

M_proc= M_boot=- M_um=$(umask) M_uid=$(id -u)
M_user=
[ "$M_uid" = 0 ] || M_user=--user
umask 077
[ ! -r /proc/self/stat ] || M_proc=1
if [ -r /proc/sys/kernel/random/boot_id ]; then
  read -r M_boot </proc/sys/kernel/random/boot_id
elif command -v sysctl >/dev/null 2>&1; then
  # macOS, FreeBSD. kern.boottime is no identity: it moves when the clock is set.
  M_boot=$({ sysctl -n kern.bootsessionuuid || sysctl -nx kern.boot_id; } 2>/dev/null | tr -cd 0-9A-Fa-f-)
  M_boot=${M_boot:--}
fi
