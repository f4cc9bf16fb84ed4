import type { Sections } from './sections.ts';
import type { Disk, Inodes } from './status.ts';
import { cleanName, percentOf, toCount, words } from './values.ts';

/** Some would be a page of a table nobody reads, and their data more than is kept. */
const disksAtMost = 40;

export interface Disks {
  readonly disks: readonly Disk[];
  /** How many more there are. */
  readonly leftOut: number;
  /** One did not answer. */
  readonly hung: boolean;
}

/** In the order of df; where there are too many, the fullest. */
export function parseDisks(sections: Sections): Disks {
  const lines = sections.lines('disks');
  const inodes = inodesByMount(sections.lines('inodes'));
  const types = typesByMount(sections.lines('mounts'));
  const all = uniqueDisks(
    readTable(lines).flatMap((row) => {
      const disk = toDisk(row, types.get(row.mount));
      return disk && isWorthTelling(disk) ? [{ ...disk, inodes: inodes.get(row.mount) }] : [];
    }),
  );
  const kept = new Set([...all].sort((a, b) => b.usedPercent - a.usedPercent).slice(0, disksAtMost));
  return {
    disks: all.filter((disk) => kept.has(disk)).map(shown),
    leftOut: all.length - kept.size,
    hung: lines.includes('hung'),
  };
}

/** A line of a table of df: what stands before the mount point. */
interface Row {
  readonly before: readonly string[];
  readonly mount: string;
}

/** The mount point is what follows the last of the columns, which is a percentage or `-`. Names may hold blanks. */
function readTable(lines: readonly string[]): readonly Row[] {
  return lines.flatMap((line) => {
    const list = words(line);
    const at = list.findIndex(
      (word, index) => word.startsWith('/') && index >= 4 && /^(?:\d{1,4}%|-)$/.test(list[index - 1] ?? ''),
    );
    return at < 0 ? [] : [{ before: list.slice(0, at), mount: list.slice(at).join(' ') }];
  });
}

/** device…, (type,) KiB, used, available, capacity */
function toDisk({ before, mount }: Row, told: string | undefined): Disk | undefined {
  const [totalBytes, usedBytes, availableBytes] = before.slice(-4, -1).map(toBytes);
  if (!totalBytes || usedBytes === undefined || availableBytes === undefined) return undefined;
  const names = before.slice(0, -4);
  const hasType = told === undefined && names.length > 1 && /^[a-z][\w.-]*$/i.test(names.at(-1) ?? '');
  const device = names.slice(0, hasType ? -1 : undefined).join(' ');
  const fs = hasType ? names.at(-1) : told;
  return {
    ...{ mount, device, fs, totalBytes, usedBytes, availableBytes },
    usedPercent: percentOf(usedBytes, usedBytes + availableBytes),
  };
}

/** What root alone may use can make the rest less than nothing. */
function toBytes(word: string): number | undefined {
  if (word.startsWith('-')) return 0;
  const kib = toCount(word);
  return kib === undefined ? undefined : kib * 1_024;
}

function inodesByMount(lines: readonly string[]): ReadonlyMap<string, Inodes> {
  const isLinux = lines[0]?.includes('Inodes') ?? false;
  const entries = readTable(lines).flatMap(({ before, mount }): [string, Inodes][] => {
    // Others print used and free alone; where one of them is written short, as 1.6G, they mean nothing.
    const [used, free] = before.slice(-3, -1).map(toCount);
    if (used === undefined || free === undefined || used + free === 0) return [];
    const total = (isLinux ? toCount(before.at(-4)) : undefined) ?? used + free;
    return [[mount, { total, used, usedPercent: percentOf(used, total) }]];
  });
  return new Map(entries);
}

/** `mount`: `/dev/ada0p2 on / (ufs, local)`, or `/dev/sd0a on / type ffs (local)`. */
function typesByMount(lines: readonly string[]): ReadonlyMap<string, string> {
  const entries = lines.flatMap((line): [string, string][] => {
    const from = line.indexOf(' on /');
    const to = line.lastIndexOf(' (');
    if (from < 0 || to < from) return [];
    const place = line.slice(from + 4, to);
    const at = place.lastIndexOf(' type ');
    if (at >= 0) return [[place.slice(0, at), place.slice(at + 6)]];
    return [[place, line.slice(to + 2).split(/[,)]/, 1)[0] ?? '']];
  });
  return new Map(entries);
}

/** Not on a disk, or always full. */
const noDisks: ReadonlySet<string> = new Set([
  ...['devtmpfs', 'devfs', 'ramfs', 'procfs', 'linprocfs', 'fdescfs', 'kernfs', 'ptyfs', 'autofs', 'efivarfs'],
  ...['squashfs', 'fuse.snapfuse', 'iso9660', 'cd9660', 'udf', 'erofs', 'fuse.lxcfs'],
]);

/** Where a tmpfs holds what nobody keeps there. */
const ownOfSystem = /^\/(?:run|dev|sys|proc|var\/run|var\/lib\/kubelet)(?:\/|$)/;

/** Smaller ones are made by the system for itself. */
const leastBytes = 2 ** 20;

function isWorthTelling({ fs, device, mount, totalBytes }: Disk): boolean {
  const kind = fs ?? device;
  if (totalBytes < leastBytes) return false;
  if (noDisks.has(kind)) return false;
  if (kind === 'tmpfs' || kind === 'mfs') return !ownOfSystem.test(mount);
  // Those of containers are the disk that they lie on.
  if (kind === 'overlay') return mount === '/';
  return !mount.startsWith('/System/Volumes/') || mount === '/System/Volumes/Data';
}

/** The first of the mounts of one device, and of one mount point: a disk can be mounted at many places. */
function uniqueDisks<D extends Disk>(disks: readonly D[]): readonly D[] {
  const seen = new Set<string>();
  const isNew = (key: string): boolean => !seen.has(key) && Boolean(seen.add(key));
  return disks.filter(({ device, mount, totalBytes, usedBytes }) => {
    const isNewDisk = !device.startsWith('/') || isNew(`device ${device} ${totalBytes} ${usedBytes}`);
    return isNewDisk && isNew(`mount ${mount}`);
  });
}

const shown = (disk: Disk): Disk => ({
  ...disk,
  mount: cleanName(disk.mount),
  device: cleanName(disk.device),
  fs: disk.fs === undefined ? undefined : cleanName(disk.fs),
});
