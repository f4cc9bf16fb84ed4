import type { Sections } from './sections.ts';
import type { Process, Processes } from './status.ts';
import { cleanName, percentOf, round, toCount, words } from './values.ts';

export interface Look {
  /** How many of each kind. */
  readonly top: number;
  /** Of the host, where it is known. */
  readonly memoryBytes: number | undefined;
}

export function parseProcesses(sections: Sections, look: Look): Processes | undefined {
  const own = sections.lines('processes');
  const list = own.length > 0 ? fromProc(own, pageBytes(sections), look) : fromPs(sections.lines('ps'), look);
  const [, told] = own.map((line) => words(line)).find(([word]) => word === 'count') ?? [];
  const count = toCount(told) ?? list.length;
  if (count === 0) return undefined;
  const best = (value: 'cpuPercent' | 'memoryBytes'): readonly Process[] =>
    list
      .filter((each) => each[value] > 0)
      .toSorted((a, b) => b[value] - a[value] || a.pid - b.pid)
      .slice(0, look.top);
  return { count, byCpu: best('cpuPercent'), byMemory: best('memoryBytes') };
}

/** `4096`, or `4 kB`. */
function pageBytes(sections: Sections): number {
  const [amount, unit] = words(sections.lines('page')[0] ?? '');
  const size = (toCount(amount) ?? 0) * (unit === 'kB' ? 1_024 : 1);
  return size || 4_096;
}

interface Seen {
  readonly pid: number;
  /** Ticks after the start of the host. */
  readonly start: number;
  readonly ticks: number;
  readonly pages: number;
  readonly name: string;
}

/** Of a tick of Linux there are 100 in a second, whatever its kernel counts by: so many are as much percent of one CPU. */
const ticksPerSecond = 100;

function fromProc(lines: readonly string[], bytes: number, { memoryBytes: all }: Look): readonly Process[] {
  const [before, after] = [samples(lines, '0'), samples(lines, '1')];
  const users = new Map(lines.filter((line) => line.startsWith('user ')).map((line) => pairOf(words(line))));
  const [from, to] = [timeOf(lines, '0'), timeOf(lines, '1')];
  return [...after.values()].map(({ pid, start, ticks, pages, name }) => {
    const known = before.get(pid);
    const spent = known?.start === start ? ticks - known.ticks : ticks;
    const seconds = from === undefined ? to - start / ticksPerSecond : to - from;
    const memoryBytes = pages * bytes;
    return {
      ...{ pid, name, user: users.get(pid) },
      cpuPercent: seconds > 0 ? round((100 * Math.max(0, spent)) / ticksPerSecond / seconds, 1) : 0,
      memoryBytes,
      memoryPercent: all ? percentOf(memoryBytes, all) : undefined,
    };
  });
}

const pairOf = ([, pid, user]: readonly string[]): [number, string] => [Number(pid), cleanName(user ?? '')];

/** Seconds since the start of the host, of a sample; of one that was not taken there is no time. */
function timeOf(lines: readonly string[], sample: '0'): number | undefined;
function timeOf(lines: readonly string[], sample: '1'): number;
function timeOf(lines: readonly string[], sample: string): number | undefined {
  const [, , seconds] = lines.map((line) => words(line)).find(([word, of]) => word === 'at' && of === sample) ?? [];
  const value = Number(seconds);
  if (Number.isFinite(value)) return value;
  return sample === '1' ? 0 : undefined;
}

/** `<sample> <pid> <start> <user ticks> <system ticks> <pages> <name>` */
function samples(lines: readonly string[], sample: string): ReadonlyMap<number, Seen> {
  const entries = lines.flatMap((line): [number, Seen][] => {
    const [of, pid, start, user, system, pages, ...name] = line.split(' ');
    const numbers = [pid, start, user, system, pages].map(toCount);
    if (of !== sample || numbers.includes(undefined)) return [];
    const [id = 0, begun = 0, own = 0, kernel = 0, resident = 0] = numbers;
    const seen = { pid: id, start: begun, ticks: own + kernel, pages: resident, name: cleanName(name.join(' ')) };
    return [[id, seen]];
  });
  return new Map(entries);
}

/** `ps -A -o pid= -o user= -o pcpu= -o rss= -o comm=`; the name may be a whole path. */
function fromPs(lines: readonly string[], { memoryBytes: all }: Look): readonly Process[] {
  return lines.flatMap((line) => {
    const [id, user = '', cpu = '', resident, ...rest] = words(line);
    const [pid, kib] = [toCount(id), toCount(resident)];
    const cpuPercent = Number(cpu);
    if (pid === undefined || kib === undefined || !(cpuPercent >= 0 && cpuPercent < 1e6)) return [];
    const path = rest.join(' ');
    const memoryBytes = kib * 1_024;
    return {
      ...{ pid, name: cleanName(path.slice(path.lastIndexOf('/') + 1)), user: cleanName(user) },
      cpuPercent: round(cpuPercent, 1),
      memoryBytes,
      memoryPercent: all ? percentOf(memoryBytes, all) : undefined,
    };
  });
}
