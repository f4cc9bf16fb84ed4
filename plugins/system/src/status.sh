# One look at a host, for any POSIX shell. s_top and s_sample (seconds, 0 for none) are set before.
# Prints sections, each after a line `@@<name>`; what a host cannot tell is left out. Writes nothing, not even a temporary file.

[ -z "${ZSH_VERSION-}" ] || emulate sh
PATH=${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL
[ ! -c /dev/null ] || exec 2>/dev/null

# Not every ksh has printf inside, and a host may have no other.
s_say() { printf '%s\n' "$1"; }
case ${KSH_VERSION-} in
?*) [ "$(print -r -- x)" != x ] || s_say() { print -r -- "$1"; } ;;
esac

s_has() { [ -n "$(command -v "$1")" ]; }

# The lines of a file, by no other program.
s_show() {
  while IFS= read -r s_line || [ -n "$s_line" ]; do
    s_say "$s_line"
  done <"$1"
}

s_first() {
  s_line=
  [ ! -r "$1" ] || IFS= read -r s_line <"$1"
}

# The first of these names that sysctl knows.
s_sysctl() {
  for s_name in "$@"; do
    s_line=$(sysctl -n "$s_name") && [ -n "$s_line" ] && s_say "$s_line" && return
  done
  return 1
}

# df under a limit of time: a remote disk that is away lets it wait for ever.
s_df() {
  s_has df || return
  if ! s_has sleep; then
    df "$@"
    return
  fi
  sleep 5 &
  s_z=$!
  {
    df "$@" &
    s_d=$!
    trap 'kill -9 "$s_d"' TERM
    wait "$s_d"
    s_code=$?
    # A TERM that comes before the shell has become sleep can be lost.
    kill -9 "$s_z"
    exit "$s_code"
  } &
  s_c=$!
  if wait "$s_z"; then
    s_hung=l
    kill "$s_c"
  fi
  wait "$s_c"
}

s_say @@host
s_line=$(uname -snrm)
if [ -z "$s_line" ]; then
  for s_name in ostype hostname osrelease; do
    s_all=${s_all-}${s_all:+ }
    s_first "/proc/sys/kernel/$s_name"
    s_all=$s_all$s_line
  done
  s_line=$s_all
fi
s_say "$s_line"
case $s_line in Darwin*) s_mac=1 ;; *) s_mac= ;; esac
s_say @@os
[ -z "$s_mac" ] || sw_vers
for s_file in /etc/os-release /usr/lib/os-release; do
  if [ -r "$s_file" ]; then
    s_show "$s_file"
    break
  fi
done

s_say @@uptime
s_first /proc/uptime
s_uptime=$s_line
if [ -n "$s_uptime" ]; then
  s_say "up $s_uptime"
else
  s_say "boot $(s_sysctl kern.boottime)"
  s_say "now $(date +%s)"
  s_say "text $(uptime)"
fi

s_say @@load
s_first /proc/loadavg
if [ -n "$s_line" ]; then s_say "$s_line"; else s_sysctl vm.loadavg; fi

if [ -r /proc/meminfo ]; then
  s_say @@meminfo
  s_show /proc/meminfo
else
  s_say @@memory
  s_say "$(s_sysctl hw.memsize hw.physmem64 hw.physmem)"
  if [ -n "$s_mac" ]; then vm_stat; else vmstat -s; fi
  s_say @@arc
  s_sysctl kstat.zfs.misc.arcstats.size && s_sysctl kstat.zfs.misc.arcstats.c_min
  s_say @@swap
  # That there is none is told as an error.
  s_sysctl vm.swapusage || swapinfo -k 2>&1 || swapctl -lk 2>&1
fi

s_hung=
s_say @@disks
if [ -n "$s_uptime" ]; then
  s_df -PkT || s_df "-Pk$s_hung"
else
  s_df -Pk || [ -z "$s_hung" ] || s_df -Pkl
fi
s_say @@inodes
if [ -n "$s_uptime" ]; then s_df "-Pi$s_hung"; else s_df "-ik$s_hung"; fi
if [ -n "$s_hung" ]; then
  s_say @@disks
  s_say hung
fi
s_say @@mounts
[ -n "$s_uptime" ] || mount

# One line a process: sample, pid, start, user and system ticks, pages, name.
s_snap() {
  s_first /proc/uptime
  s_say "at $1 $s_line"
  s_which=$1
  for s_file in /proc/[0-9]*/stat; do
    s_first "$s_file"
    case $s_line in *') '?' '*) ;; *) continue ;; esac
    s_head=${s_line%') '*}
    set -- ${s_line##*') '}
    s_say "$s_which ${s_head%%' ('*} ${20} ${12} ${13} ${22} ${s_head#*' ('}"
  done
}

# The same of the few that matter alone, with who they run as.
s_awk='
function times(which,  line) {
  if ((getline line < "/proc/stat") > 0) print which, line
  close("/proc/stat")
}
function snap(which,  list, files, n, i, line, part, head, f, pid) {
  getline line < "/proc/uptime"
  close("/proc/uptime")
  up = line + 0
  out = out "at " which " " line "\n"
  list = "echo /proc/[0-9]*/stat"
  list | getline line
  close(list)
  n = split(line, files, " ")
  for (i = 1; i <= n; i++) {
    line = ""
    while ((getline part < files[i]) > 0) line = (line == "") ? part : (line "?" part)
    close(files[i])
    if (!match(line, /^.*\) [A-Za-z] /)) continue
    head = substr(line, 1, RLENGTH - 4)
    split(substr(line, RLENGTH + 1), f, " ")
    pid = substr(head, 1, index(head, " (") - 1)
    if (pid == self) continue
    text[which, pid] = which " " pid " " f[19] " " f[11] " " f[12] " " f[21] " " substr(head, index(head, " (") + 2)
    if (which == 0) {
      start[pid] = f[19]
      ticks[pid] = f[11] + f[12]
      continue
    }
    count++
    busy[pid] = f[11] + f[12]
    if (sample == 0) busy[pid] /= up * 100 - f[19] + 1
    else if (start[pid] == f[19]) busy[pid] -= ticks[pid]
    pages[pid] = f[21] + 0
  }
}
function pick(value,  left, best, pid, seen) {
  for (left = top; left > 0; left--) {
    best = ""
    for (pid in value) if (!(pid in seen) && (best == "" || value[pid] > value[best])) best = pid
    if (best == "") return
    seen[best] = chosen[best] = 1
  }
}
function owner(pid,  file, line, f) {
  file = "/proc/" pid "/status"
  while ((getline line < file) > 0) if (line ~ /^Uid:/) split(line, f, " ")
  close(file)
  return f[2]
}
BEGIN {
  getline line < "/proc/self/stat"
  close("/proc/self/stat")
  self = line + 0
  while ((getline line < "/etc/passwd") > 0) {
    split(line, f, ":")
    if (!(f[3] in names)) names[f[3]] = f[1]
  }
  close("/etc/passwd")
  if (sample > 0) {
    snap(0)
    times(0)
    system("sleep " sample)
  }
  times(1)
  snap(1)
  print "@@processes"
  print "count " count
  printf "%s", out
  pick(busy)
  pick(pages)
  for (pid in chosen) {
    if ((0, pid) in text) print text[0, pid]
    print text[1, pid]
    uid = owner(pid)
    if (uid != "") print "user " pid " " ((uid in names) ? names[uid] : uid)
  }
}'

s_cpu_times() {
  if [ -r /proc/stat ]; then
    s_first /proc/stat
    s_say "$1 $s_line"
  else
    s_line=$(s_sysctl kern.cp_time) && s_say "$1 $s_line"
  fi
}

s_say @@page
s_line=$(getconf PAGESIZE)
if [ -n "$s_line" ]; then
  s_say "$s_line"
elif [ -r /proc/self/smaps ]; then
  while read -r s_name s_line s_rest; do
    [ "$s_name" != KernelPageSize: ] || break
  done </proc/self/smaps
  s_say "$s_line kB"
fi

s_say @@cpu
s_n=0
if [ -r /proc/stat ]; then
  while read -r s_name s_rest; do
    case $s_name in cpu) ;; cpu*) s_n=$((s_n + 1)) ;; *) break ;; esac
  done </proc/stat
fi
[ "$s_n" != 0 ] || s_n=$(getconf _NPROCESSORS_ONLN) || s_n=$(s_sysctl hw.ncpuonline hw.logicalcpu hw.ncpu)
s_say "count $s_n"
s_has sleep || s_sample=0
s_say "sample $s_sample"
if [ ! -r /proc/self/stat ] || [ -z "$s_uptime" ]; then
  if [ -n "$s_mac" ]; then
    if [ "$s_sample" = 0 ]; then top -l 1 -n 0; else top -l 2 -n 0 -s "$s_sample"; fi
  else
    [ "$s_sample" = 0 ] || { s_cpu_times 0 && sleep "$s_sample"; }
    s_cpu_times 1
  fi
  s_say @@ps
  ps -A -o pid= -o user= -o pcpu= -o rss= -o comm=
elif s_has awk; then
  awk -v "top=$s_top" -v "sample=$s_sample" "$s_awk"
else
  if [ "$s_sample" != 0 ]; then
    s_say @@processes
    s_snap 0
    s_say @@cpu
    s_cpu_times 0
    sleep "$s_sample"
    s_cpu_times 1
  else
    s_cpu_times 1
  fi
  s_say @@processes
  s_snap 1
fi
[ ! -d /proc/self ] || [ -r /proc/1/stat ] || s_say hidden
s_say @@end
