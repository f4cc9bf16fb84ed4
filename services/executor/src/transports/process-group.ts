import { readdir, readFile } from 'node:fs/promises';
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 20;
/** How long a killed group may take to be gone. */
const goneMs = 5_000;

/**
 * Ends a process group of this host: TERM, and KILL after `graceMs`.
 * @returns true when it was seen to be gone, false when something of it is left.
 */
export async function endGroup(pgid: number, graceMs: number): Promise<boolean> {
  signalGroup(pgid, 'SIGTERM');
  if (await goneWithin(pgid, graceMs)) return true;
  signalGroup(pgid, 'SIGKILL');
  return goneWithin(pgid, goneMs);
}

async function goneWithin(pgid: number, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await isGone(pgid))) {
    if (performance.now() >= end) return false;
    await delay(pollMs);
  }
  return true;
}

async function isGone(pgid: number): Promise<boolean> {
  return !signalGroup(pgid, 0) || (await onlyZombies(pgid));
}

/** @returns false when there is no such group. */
function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    kill(-pgid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** In a container whose first process reaps nobody, the dead stay listed for ever; they run nothing. Linux only. */
async function onlyZombies(pgid: number): Promise<boolean> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  const members = stats.filter((stat) => memberOf(stat)?.group === pgid);
  return members.length > 0 && members.every((stat) => memberOf(stat)?.state === 'Z');
}

/** From /proc/<pid>/stat (proc(5)): the name in parentheses may hold anything, so reading starts behind it. */
function memberOf(stat: string): { readonly state: string; readonly group: number } | undefined {
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state && group ? { state, group: Number(group) } : undefined;
}
