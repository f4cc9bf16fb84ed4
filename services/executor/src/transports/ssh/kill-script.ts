/** What the kill script found in the end. */
export type KillVerdict = 'gone' | 'alive' | 'denied';

const pollMs = 50;
/** How long a killed group may take to be gone. */
const goneMs = 3_000;

/**
 * A POSIX sh program that ends a process group: TERM, KILL after `graceMs`, and prints what is left as its last line.
 * `denied` means that something in it runs under another user. In a container whose first process reaps nobody the dead
 * stay listed for ever, so the last look is into /proc where there is one: zombies run nothing.
 */
export function killScript(group: number, graceMs: number): string {
  const graceSteps = Math.ceil(graceMs / pollMs);
  const steps = graceSteps + Math.ceil(goneMs / pollMs);
  return `LC_ALL=C; export LC_ALL; g=${group}; i=0
look() { m=$(kill -0 -$g 2>&1) && return 0; case $m in *[Nn]o?such*) return 1;; *) return 2;; esac; }
runs() {
  [ -r /proc/self/stat ] || return 0
  for f in /proc/[0-9]*/stat; do
    { read -r s <$f; } 2>/dev/null || continue
    set -- \${s##*)}
    [ "$3" = $g ] && [ "$1" != Z ] && return 0
  done
  return 1
}
kill -TERM -$g 2>/dev/null
while look; do
  [ $i -eq ${graceSteps} ] && kill -KILL -$g 2>/dev/null
  [ $i -gt ${graceSteps} ] && ! runs && break
  [ $i -ge ${steps} ] && { echo alive; exit; }
  sleep 0.05 2>/dev/null || sleep 1
  i=$((i+1))
done
look
[ $? -eq 2 ] && echo denied || echo gone`;
}

/** The last line that the kill script printed; `alive` when it printed none. */
export function readVerdict(output: string): KillVerdict {
  const last = output.trimEnd().split('\n').at(-1);
  return last === 'gone' || last === 'denied' ? last : 'alive';
}
