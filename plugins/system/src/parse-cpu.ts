import type { Sections } from './sections.ts';
import type { Cpu } from './status.ts';
import { percentOf, round, toCount, words } from './values.ts';

interface Times {
  readonly user: number;
  readonly system: number;
  readonly idle: number;
  /** Linux alone has these. */
  readonly iowait?: number | undefined;
  readonly steal?: number | undefined;
}

export function parseCpu(sections: Sections): Cpu | undefined {
  const lines = sections.lines('cpu');
  const numberOf = (name: string): number | undefined =>
    toCount(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1));
  const count = numberOf('count') || undefined;
  const asked = numberOf('sample') ?? 0;
  const usage = lines.findLast((line) => line.startsWith('CPU usage:'));
  const percents = usage === undefined ? sampled(lines) : { ...told(usage), isSince: false };
  if (count === undefined && percents === undefined) return undefined;
  const { isSince = true, ...rest } = percents ?? {};
  return { count, sampleSeconds: isSince ? 0 : asked, ...rest };
}

type Percents = Omit<Cpu, 'count' | 'sampleSeconds'>;

/** What happened between two samples; of one alone, since the host started. */
function sampled(lines: readonly string[]): (Percents & { readonly isSince: boolean }) | undefined {
  const [before, after] = ['0', '1'].map((sample) =>
    toTimes(lines.find((line) => line.startsWith(`${sample} `))?.slice(2)),
  );
  if (!after) return undefined;
  const none: Times = { user: 0, system: 0, idle: 0 };
  // The kernel lets some of its counters go back a little.
  const spent = (name: keyof Times): number => Math.max(0, (after[name] ?? 0) - ((before ?? none)[name] ?? 0));
  const [user, system, idle, iowait, steal] = [
    ...[spent('user'), spent('system'), spent('idle'), spent('iowait'), spent('steal')],
  ] as const;
  const all = user + system + idle + iowait + steal;
  if (all === 0) return undefined;
  return {
    usedPercent: percentOf(user + system + steal, all),
    userPercent: percentOf(user, all),
    systemPercent: percentOf(system, all),
    ...(after.iowait !== undefined && { iowaitPercent: percentOf(iowait, all) }),
    ...(after.steal !== undefined && { stealPercent: percentOf(steal, all) }),
    isSince: before === undefined,
  };
}

/**
 * `cpu  user nice system idle iowait irq softirq steal …` of Linux; of others `user nice sys intr idle`, with or without names
 * and commas, and with `spin` before `intr` on OpenBSD.
 */
function toTimes(line: string | undefined): Times | undefined {
  if (line === undefined) return undefined;
  const isLinux = line.startsWith('cpu ');
  const numbers = (line.match(/\d{1,20}/g) ?? []).map(Number);
  if (numbers.length < (isLinux ? 4 : 5)) return undefined;
  const [user = 0, nice = 0, system = 0, ...more] = numbers;
  if (!isLinux) {
    const kernel = [system, ...more.slice(0, -1)].reduce((sum, each) => sum + each, 0);
    return { user: user + nice, system: kernel, idle: more.at(-1) ?? 0 };
  }
  // Time of guests, which follows, is part of `user`.
  const [idle = 0, iowait, irq = 0, softirq = 0, steal] = more;
  return { user: user + nice, system: system + irq + softirq, idle, iowait, steal };
}

/** `CPU usage: 12.50% user, 6.25% sys, 81.25% idle`: the last of what top(1) of macOS prints. */
function told(line: string): Percents {
  const value = (name: string): number | undefined => {
    const list = words(line);
    const number = Number.parseFloat(list[list.findIndex((word) => word.startsWith(name)) - 1] ?? '');
    return Number.isFinite(number) && number >= 0 ? round(Math.min(100, number), 1) : undefined;
  };
  const idle = value('idle');
  const used = idle === undefined ? undefined : round(100 - idle, 1);
  return { usedPercent: used, userPercent: value('user'), systemPercent: value('sys') };
}
