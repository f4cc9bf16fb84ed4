# What a resident shell knows to do. Its stdin is this text, then requests, one function call each.
# M_how: the way to a process group: job (set -m works without a terminal), setsid, perl or python.

M_exec() {
  case $M_how in
  job) exec "$@" ;;
  setsid) exec setsid "$@" ;;
  perl) exec perl -e 'use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV' "$@" ;;
  python) exec python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@" ;;
  esac
}

# The environment $1 and the directory $2 of a command.
M_enter() {
  umask "$M_um"
  # In bash it counts from the start of the command.
  [ -z "$M_same" ] || SECONDS=0
  [ -z "$1" ] || eval "$1"
  [ -z "$2" ] || CDPATH= cd -- "$2" >/dev/null 2>&1
}

# environment, directory, command
M_become() {
  M_enter "$1" "$2" || { printf '\036MOLT %s cwd\n' "$M_nonce"; exit 72; }
  M_exec "$M_sh" -c "$3"
}

# The same in a fork of this very shell, which is what the user logs in to: half the cost of starting another.
M_here() {
  M_enter "$1" "$2" || { printf '\036MOLT %s cwd\n' "$M_nonce"; exit 72; }
  M_eval "$3"
}

# A command could learn the parameters of whoever called it: the nonce, by which its end is told, is in none of them.
M_eval() {
  set +m
  trap - 0
  M_text=$1
  unset M_nonce
  set --
  eval "$M_text"
  exit
}

# By these words a command could tell that its shell is not its own.
M_tells() {
  case $1 in *'$$'* | *PPID* | *BASH* | *FUNCNAME* | *SHLVL*) return 0 ;; esac
  return 1
}

# environment, directory, command, `+` and the input for printf %b: in the leader of a group of its own.
M_job() {
  if [ -n "$4" ]; then
    set +m
    M_enter "$1" "$2" || { printf '\036MOLT %s cwd\n' "$M_nonce"; exit 72; }
    printf '%b' "${4#+}" | "$M_sh" -c "$3"
  elif [ -n "$M_same" ] && ! M_tells "$3"; then
    M_here "$@"
  else
    M_become "$@"
  fi
}

# nonce, then as M_job
M_plain() {
  M_nonce=$1
  shift
  if [ "$M_how" = job ]; then
    set -m
    { M_job "$@"; } </dev/null &
    M_c=$!
    set +m
  elif [ -z "$4" ]; then
    { M_become "$@"; } </dev/null &
    M_c=$!
  else
    printf '%b' "${4#+}" | { M_become "$@"; } &
    M_c=$!
  fi
  printf '\036MOLT %s started %s\n' "$M_nonce" "$M_c"
  # One redirection for all of them: each costs a shell nine system calls.
  { M_ended_how; } 2>/dev/null
  M_end 2
  [ -z "$M_spares" ] || M_serve
}

# Waits for the end of M_c, and looks for what it left behind.
M_ended_how() {
  M_left=0
  M_await "$M_c"
  ! kill -0 "-$M_c" || ! M_runs "$M_c" || M_left=1
}

# Tells it, with $1 for stderr. Its number tells it from the end of a spare that never got a command.
M_end() {
  printf '\036MOLT %s end %s %s %s\n' "$M_nonce" "$M_code" "$M_left" "$M_c"
  printf '\036MOLT %s end %s\n' "$M_nonce" "$M_c" >&"$1"
  # Nobody waits for this.
  $M_drop "$M_c" 2>/dev/null
}

# Once a command was run without a record, a fork of this shell waits for the next: it reads the line itself, as forking is half of
# what a short command costs. Status 99 brings the next line back to this shell, and so does 1, by which one ends that could not begin:
# a command that ends so costs the next one a fork.
M_serve() {
  # What bash says of a host without room for one more process is for no command.
  exec 9>&2 || return 0
  exec 2>/dev/null
  while :; do
    set -m
    { M_spare; } 8<&0 </dev/null 2>&9 9>&- &
    M_c=$!
    set +m
    M_ended_how
    M_end 9
    case $M_code in 1 | 99) break ;; esac
  done
  exec 2>&9 9>&-
}

M_spare() {
  trap - 0
  # A time-out that the host sets for whoever is idle could come in the middle of a line.
  IFS= read -r -u 8 ${TMOUT:+-t2147483} M_line || { [ -z "$M_line" ] || kill -KILL "$$"; exit 99; }
  exec 8<&-
  # The rest of a line whose reader was killed is no request: nobody knows what it would do.
  case $M_line in
  M_yield) exit 99 ;;
  'M_plain '* | 'M_forget '*) eval "set -- $M_line" ;;
  *) kill -KILL "$$"; exit ;;
  esac
  unset M_line
  if [ "$1" = M_plain ]; then
    M_nonce=$2
    shift 2
    printf '\036MOLT %s started %s\n' "$M_nonce" "$BASHPID"
    M_job "$@"
  else
    "$@"
  fi
  exit
}

# To a spare: the next line is for the shell itself.
M_yield() { :; }

M_sync() {
  printf '\036MOLT %s end\n' "$1"
  printf '\036MOLT %s end\n' "$1" >&2
}

# M_code of the child $1, what is said of it aside. ksh93 says 256 + n for a signal, yash 384 + n. A wait that something broke off
# says more than 128 as well.
M_await() {
  while :; do
    wait "$1"
    M_code=$?
    [ "$M_code" -gt 128 ] && kill -0 "$1" || break
  done
  [ "$M_code" -le 255 ] || M_code=$((128 + M_code % 128))
}

# Background work is grouped by braces: for parentheses yash forks once more, and $! is none of the two that matter.
M_has() { command -v "$1" >/dev/null 2>&1; }

# Tries set -m as it is used: in a subshell. Some shells want a terminal for it.
M_tries_jobs() {
  (
    set -m
    (M_i=0; while [ "$M_i" -lt 100000 ]; do M_i=$((M_i + 1)); done) </dev/null &
    M_c=$!
    set +m
    M_ok=1
    kill -0 "-$M_c" && M_ok=0
    kill -KILL "$M_c"
    { wait "$M_c"; }
    exit $M_ok
  ) </dev/null >/dev/null 2>&1
}

M_find_how() {
  if M_tries_jobs; then M_how=job
  elif M_has setsid; then M_how=setsid
  elif M_has perl; then M_how=perl
  elif M_has python3; then M_how=python
  else M_how=none
  fi
}

M_find_shell() {
  M_sh=/bin/sh M_same=
  case ${SHELL##*/} in
  sh | bash | dash | ash | ksh* | mksh | zsh | busybox | yash) [ ! -x "$SHELL" ] || M_sh=$SHELL ;;
  esac
  case ${BASH_VERSION:+bash}.${M_sh##*/} in bash.bash) M_same=1 ;; esac
  # bash 3 has no BASHPID.
  M_spares=
  [ "$M_how" != job ] || [ -z "$M_same" ] || M_spares=${BASHPID:+spares}
  # bash keeps the jobs that have ended, and goes through all of them for each command: here, and in each fork.
  M_drop=:
  [ -z "$BASH_VERSION" ] || M_drop=disown
}

M_refuse() {
  M_nonce=$1
  shift
  printf '\036MOLT %s refuse %s\n' "$M_nonce" "$*"
}

# The children of the last request have ended; some shells keep them until they are asked for.
M_reap() {
  [ -z "$M_s" ] || { wait "$M_s"; $M_drop "$M_s"; } 2>/dev/null
  [ -z "$M_fo" ] || { wait "$M_fo"; $M_drop "$M_fo"; } 2>/dev/null
  M_s= M_fo= M_last=
}

# Requests about guarded commands: nonce, id, attempt, offsets of stdout and stderr, seconds until the time-out (0 for never),
# steps of its grace and of all; a start has more: environment, directory, command, input, systemd scope.
M_start() {
  M_reap
  M_file=$M_dir/$2.$3
  if ! { [ -d "$M_dir" ] || mkdir -p "$M_dir"; } 2>/dev/null || [ ! -w "$M_dir" ]; then
    M_refuse "$1" noguard "$M_dir cannot be written"
    return
  fi
  if [ -z "$M_known" ]; then
    M_refuse "$1" noguard 'neither /proc nor ps tells when a process started'
    return
  fi
  M_seal "$1" "$2" "$3" || return
  if [ -e "$M_file.go" ]; then
    M_attach "$@"
    return
  fi
  if [ "${13}" != - ] && ! M_can_scope; then
    M_refuse "$1" noguard "$M_why"
    return
  fi
  M_last="$M_file $6 $7 $8"
  [ "$M_how" != job ] || set -m
  { M_supervise "$@"; } </dev/null &
  M_s=$!
  [ "$M_how" != job ] || set +m
}

# A scope of systemd outlives the session this shell is in; if not, M_why says why.
M_can_scope() {
  [ -z "$M_scopes" ] || return 0
  if ! { M_has systemd-run && M_has systemctl; }; then
    M_why='systemd-run is not there'
  elif ! M_why=$(timeout 5 systemd-run $M_user --scope --quiet --collect true 2>&1 </dev/null); then
    M_why="systemd-run failed: ${M_why%%
*}"
  elif [ -n "$M_user" ] && [ "$(loginctl show-user "$M_uid" --property=Linger --value 2>/dev/null)" != yes ]; then
    M_why="scopes of user $M_uid end with the last session: run loginctl enable-linger"
  elif [ -z "$M_inside" ]; then
    M_why='no scope could be made for the shell when it was started'
  else
    M_scopes=1
    return 0
  fi
  return 1
}

# Attempts before $3 can never start from here on. Refused while one runs, or nobody knows.
M_seal() {
  M_a=1
  while [ "$M_a" -lt "$3" ]; do
    M_create "$M_dir/$2.$M_a.go" "sealed $3 end" || M_look "$M_dir/$2.$M_a"
    [ "$M_created" != 0 ] || M_state=sealed M_by=-
    case $M_state.$M_by in
    cancelled.* | ended.cancel) M_refuse "$1" cancelled && return 1 ;;
    sealed.* | ended.*) ;;
    *) M_refuse "$1" lost "$M_a" && return 1 ;;
    esac
    M_a=$((M_a + 1))
  done
}

# It outlives the channel: the status is written before anything is said.
M_supervise() {
  trap : HUP INT TERM
  M_self
  M_sp=$M_pid M_ss=$M_start
  [ "$M_how" != job ] || set -m
  if [ -z "${12}" ] || [ "$M_how" = job ]; then
    { M_lead "$@"; } </dev/null &
  else
    printf '%b' "${12#+}" | { M_lead "$@"; } &
  fi
  M_c=$!
  [ "$M_how" != job ] || set +m
  M_await "$M_c" 2>/dev/null
  M_status=$M_code
  if [ "$M_status" = 73 ]; then
    M_read "$M_file.go"
    case $M_line in
    "run $M_sp $M_ss "*) ;;
    *)
      # Another has it, and the follower of this channel will tell.
      [ -e "$M_file.go" ] || M_refuse "$1" noguard "$M_file cannot be written"
      exit 0
      ;;
    esac
  fi
  M_own=
  if M_create "$M_file.by" "self $M_status end"; then M_own=1; else M_create "$M_file.rc" "$M_status end"; fi
  M_unwatch
  # Looked at after the end was written, as M_follow writes first and looks then: one of the two sees the other.
  [ ! -e "$M_file.tell" ] || exit 3
  [ -n "$M_own" ] || M_look "$M_file"
  # An end that the disk had no room for is known to this process alone.
  if [ -n "$M_own" ] || [ "$M_state" = running ]; then
    M_tell "$1"
  else
    M_stream "$1" "$M_file" 0 0 0 0 0
  fi
  exit 0
}

# Nobody need look after its time any more; the one that has just ended it does not listen.
M_unwatch() {
  M_read "$M_file.wd" || return 0
  M_w=${M_line%% *}
  { kill -TERM "$M_w"; printf '' >|"$M_file.wd"; } 2>/dev/null
}

# The end of a short command: no more programs than it has output.
M_tell() {
  if [ -s "$M_file.out" ]; then
    printf '\036MOLT %s at 0 0\n' "$1"
    cat "$M_file.out"
    printf '\036MOLT %s end self %s -\n' "$1" "$M_status"
  else
    printf '\036MOLT %s at 0 0\n\036MOLT %s end self %s -\n' "$1" "$1" "$M_status"
  fi
  [ ! -s "$M_file.err" ] || cat "$M_file.err" >&2
  printf '\036MOLT %s end\n' "$1" >&2
}

# The leader takes the record in its own name before it becomes the command, so whoever started is known to it.
M_lead() {
  M_self
  M_create "$M_file.go" "run $M_sp $M_ss $M_pid $M_start $M_boot ${13} end" || exit 73
  exec >"$M_file.out" 2>"$M_file.err"
  if ! M_enter "$9" "${10}"; then
    umask 077
    M_create "$M_file.by" 'nodir - end'
    exit 72
  fi
  if [ -n "${12}" ] && [ "$M_how" = job ]; then
    set +m
    printf '%b' "${12#+}" | M_launch "${13}" "${11}"
    exit
  fi
  M_launch "${13}" "${11}"
}

M_launch() {
  if [ "$1" = - ]; then
    [ -z "$M_same" ] || M_tells "$2" || M_eval "$2"
    M_exec "$M_sh" -c "$2"
  else
    M_exec systemd-run $M_user --scope --quiet --collect "--unit=$1" "$M_sh" -c "$2"
  fi
}

# Nobody may ever ask again for what still runs when the channel ends.
M_bye() {
  [ -n "$M_last" ] || return 0
  set -- $M_last
  M_n=0
  until M_read "$1.go" || [ "$M_n" -ge 100 ] || ! kill -0 "$M_s" 2>/dev/null; do
    M_n=$((M_n + 1))
    M_nap 0.02
  done
  M_look "$1"
  [ "$M_state" != running ] || M_arm "$1" "$2" "$3" "$4"
}

# nonce, directory under which records are
M_hello() {
  M_dir=$2/run
  trap M_bye 0
  printf '\036MOLT %s hello %s %s\n' "$1" "$M_how" "$M_spares"
}

# The login shell has read its start-up files; under sshd bash would read them again for each command, as for a first shell.
SHLVL=2
export SHLVL
M_s= M_fo= M_last= M_scopes=
# Set where this shell was started in a scope; not for the environment of commands.
M_inside=$MOLT_IN_SCOPE
unset MOLT_IN_SCOPE
M_known=$M_proc
[ -n "$M_proc" ] || M_known=$(M_since $$ 2>/dev/null)
M_find_how
M_find_shell
