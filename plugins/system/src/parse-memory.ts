import type { Sections } from './sections.ts';
import type { Memory, Swap } from './status.ts';
import { percentOf, toCount, words } from './values.ts';

export function parseMemory(sections: Sections): Memory | undefined {
  const linux = meminfo(sections);
  if (linux.size > 0) return toMemory(linux.get('MemTotal'), linuxAvailable(linux));
  const lines = sections.lines('memory');
  const pages = pageCounts(lines);
  const total = toCount(lines[0]) ?? (pages.managed === undefined ? undefined : pages.managed * pages.size);
  return toMemory(total, pages.available === undefined ? undefined : pages.available * pages.size + arcBytes(sections));
}

function toMemory(totalBytes: number | undefined, available: number | undefined): Memory | undefined {
  if (!totalBytes || available === undefined) return undefined;
  const availableBytes = Math.min(totalBytes, available);
  const usedBytes = totalBytes - availableBytes;
  return { totalBytes, usedBytes, availableBytes, usedPercent: percentOf(usedBytes, totalBytes) };
}

/** /proc/meminfo in bytes. */
function meminfo(sections: Sections): ReadonlyMap<string, number> {
  const entries = sections.lines('meminfo').flatMap((line): [string, number][] => {
    const [name = '', amount, unit] = words(line);
    const kib = toCount(amount);
    return kib === undefined || unit !== 'kB' ? [] : [[name.replace(/:$/, ''), kib * 1_024]];
  });
  return new Map(entries);
}

function linuxAvailable(values: ReadonlyMap<string, number>): number | undefined {
  const told = values.get('MemAvailable');
  const free = values.get('MemFree');
  if (told !== undefined || free === undefined) return told;
  // Before Linux 3.14.
  const value = (name: string): number => values.get(name) ?? 0;
  return free + value('Buffers') + value('Cached') + value('SReclaimable') - value('Shmem');
}

interface PageCounts {
  /** Bytes of one. */
  readonly size: number;
  readonly managed: number | undefined;
  readonly available: number | undefined;
}

/** `vm_stat` of macOS, or `vmstat -s` of a BSD. */
function pageCounts(lines: readonly string[]): PageCounts {
  const mac = (name: string): number | undefined =>
    toCount(
      lines
        .find((line) => line.startsWith(`Pages ${name}:`))
        ?.slice(name.length + 7)
        .trim()
        .replace(/\.$/, ''),
    );
  const bsd = (name: string): number | undefined => {
    const found = lines.map((line) => words(line)).find(([, ...rest]) => rest.join(' ') === name);
    return toCount(found?.[0]);
  };
  const [, macSize] = /page size of (\d{1,9}) bytes/.exec(lines.find((line) => line.startsWith('Mach ')) ?? '') ?? [];
  const free = mac('free') ?? bsd('pages free');
  const inactive = mac('inactive') ?? bsd('pages inactive') ?? 0;
  return {
    size: toCount(macSize) ?? bsd('bytes per page') ?? 4_096,
    managed: bsd('pages managed'),
    available: free === undefined ? undefined : free + inactive + (mac('speculative') ?? 0),
  };
}

/** What the cache of ZFS can give back: FreeBSD counts it as used. */
function arcBytes(sections: Sections): number {
  const [size = 0, least = 0] = sections.lines('arc').map((line) => toCount(line) ?? 0);
  return Math.max(0, size - least);
}

export function parseSwap(sections: Sections): Swap | undefined {
  const linux = meminfo(sections);
  const total = linux.get('SwapTotal');
  if (total !== undefined) return toSwap(total, total - (linux.get('SwapFree') ?? 0));
  const lines = sections.lines('swap');
  return macSwap(lines) ?? bsdSwap(lines);
}

const toSwap = (totalBytes: number, usedBytes: number): Swap => ({
  totalBytes,
  usedBytes,
  usedPercent: percentOf(usedBytes, totalBytes),
});

const unitBytes: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `total = 2048.00M  used = 1012.25M  free = 1035.75M  (encrypted)`. */
function macSwap(lines: readonly string[]): Swap | undefined {
  const line = lines.find((each) => each.startsWith('total ='))?.slice(0, 300) ?? '';
  const value = (name: string): number | undefined => {
    const [, amount, unit = ''] = new RegExp(`${name} = (\\d{1,9}\\.\\d{1,9})([KMGT])`).exec(line) ?? [];
    return amount === undefined ? undefined : Math.round(Number(amount) * (unitBytes[unit] ?? 1));
  };
  const [total, used] = [value('total'), value('used')];
  return total === undefined || used === undefined ? undefined : toSwap(total, used);
}

/** `swapinfo -k` of FreeBSD, `swapctl -lk` of the others: device, KiB, used, …; none when there is no swap. */
function bsdSwap(lines: readonly string[]): Swap | undefined {
  if (!lines.some((line) => line.startsWith('Device') || line.includes('no swap'))) return undefined;
  let total = 0;
  let used = 0;
  for (const line of lines) {
    const [device = '', blocks, usedBlocks] = words(line);
    const [all, taken] = [toCount(blocks), toCount(usedBlocks)];
    if (device === 'Total' || all === undefined || taken === undefined) continue;
    total += all * 1_024;
    used += taken * 1_024;
  }
  return toSwap(total, used);
}
