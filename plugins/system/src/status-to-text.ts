import type { Cpu, Disk, Load, Memory, Process, Swap, SystemStatus } from './status.ts';

/** A page for people. */
export function statusToText(status: SystemStatus): string {
  const { processes } = status;
  const blocks = [
    headLines(status),
    diskLines(status.disks),
    processLines('most CPU', processes?.byCpu ?? []),
    processLines('most memory', processes?.byMemory ?? []),
    status.warnings.map((warning) => `! ${warning}`),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function headLines({ host, cpu, load, memory, swap, processes }: SystemStatus): readonly string[] {
  const up = host.uptimeSeconds === undefined ? undefined : `up ${formatUptime(host.uptimeSeconds)}`;
  const first = [host.name, host.os, host.kernel, host.machine, up].filter(Boolean).join('  ');
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['cpu', cpu && cpuText(cpu)],
    ['load', load && loadText(load)],
    ['memory', memory && memoryText(memory)],
    ['swap', swap && swapText(swap)],
    ['processes', processes && String(processes.count)],
  ];
  return [first, ...rows.flatMap(([name, text]) => (text ? [`${name.padEnd(9)}  ${text}`] : []))];
}

function cpuText({ count, usedPercent, sampleSeconds, ...parts }: Cpu): string {
  const of = count === undefined ? '' : ` of ${count} CPU${count === 1 ? '' : 's'}`;
  if (usedPercent === undefined) return of.slice(4);
  const details = [
    ...(['user', 'system', 'iowait', 'steal'] as const).flatMap((name) => {
      const value = parts[`${name}Percent`];
      return value === undefined ? [] : [`${name} ${value}`];
    }),
  ].join(', ');
  const since = sampleSeconds === 0 ? ', since the start' : `, over ${sampleSeconds} s`;
  return `${usedPercent} %${of} (${details}${since})`;
}

const loadText = ({ one, five, fifteen, perCpu }: Load): string =>
  `${one} ${five} ${fifteen}${perCpu === undefined ? '' : ` (${perCpu} per CPU)`}`;

const memoryText = ({ usedPercent, usedBytes, totalBytes, availableBytes }: Memory): string =>
  `${usedPercent} %, ${formatBytes(usedBytes)} of ${formatBytes(totalBytes)}, ${formatBytes(availableBytes)} available`;

const swapText = ({ usedPercent, usedBytes, totalBytes }: Swap): string =>
  totalBytes === 0 ? 'none' : `${usedPercent} %, ${formatBytes(usedBytes)} of ${formatBytes(totalBytes)}`;

function diskLines(disks: readonly Disk[]): readonly string[] {
  if (disks.length === 0) return [];
  const head = ['disk', 'type', 'size', 'used', 'free', 'used %', 'inodes %', 'mounted on'];
  const rows = disks.map((disk) => [
    ...[disk.device, disk.fs ?? '', formatBytes(disk.totalBytes), formatBytes(disk.usedBytes)],
    ...[
      formatBytes(disk.availableBytes),
      String(disk.usedPercent),
      String(disk.inodes?.usedPercent ?? '-'),
      disk.mount,
    ],
  ]);
  return table([head, ...rows], 'llrrrrrl');
}

function processLines(title: string, processes: readonly Process[]): readonly string[] {
  if (processes.length === 0) return [];
  const head = [title, 'pid', 'user', 'CPU %', 'memory', 'memory %'];
  const rows = processes.map(({ name, pid, user, cpuPercent, memoryBytes, memoryPercent }) => [
    ...[name, String(pid), user ?? '', String(cpuPercent), formatBytes(memoryBytes), String(memoryPercent ?? '')],
  ]);
  return table([head, ...rows], 'lrlrrr');
}

/** Columns as wide as what is in them; the text is `l`eft or `r`ight. */
function table(rows: readonly (readonly string[])[], sides: string): readonly string[] {
  const widths = [...sides].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        sides[column] === 'l' ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `3.1 GiB`. */
function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1_024 ** power;
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** `12 d 3 h`: the two largest units. */
function formatUptime(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min`;
}
