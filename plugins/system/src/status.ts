import { z } from 'zod';

// Types, not interfaces: they are JSON, and only an alias is known to have no other members.

export type Host = {
  readonly name?: string | undefined;
  readonly os?: string | undefined;
  readonly kernel?: string | undefined;
  readonly machine?: string | undefined;
  readonly uptimeSeconds?: number | undefined;
};

export type Cpu = {
  readonly count?: number | undefined;
  readonly sampleSeconds: number;
  readonly usedPercent?: number | undefined;
  readonly userPercent?: number | undefined;
  readonly systemPercent?: number | undefined;
  readonly iowaitPercent?: number | undefined;
  readonly stealPercent?: number | undefined;
};

export type Load = {
  readonly one: number;
  readonly five: number;
  readonly fifteen: number;
  readonly perCpu?: number | undefined;
};

export type Memory = {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly usedPercent: number;
};

export type Swap = { readonly totalBytes: number; readonly usedBytes: number; readonly usedPercent: number };

export type Inodes = { readonly total: number; readonly used: number; readonly usedPercent: number };

export type Disk = {
  readonly mount: string;
  readonly device: string;
  readonly fs?: string | undefined;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly usedPercent: number;
  readonly inodes?: Inodes | undefined;
};

export type Process = {
  readonly pid: number;
  readonly name: string;
  readonly user?: string | undefined;
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly memoryPercent?: number | undefined;
};

export type Processes = {
  readonly count: number;
  readonly byCpu: readonly Process[];
  readonly byMemory: readonly Process[];
};

export type SystemStatus = {
  readonly host: Host;
  readonly cpu?: Cpu | undefined;
  readonly load?: Load | undefined;
  readonly memory?: Memory | undefined;
  readonly swap?: Swap | undefined;
  readonly disks: readonly Disk[];
  readonly processes?: Processes | undefined;
  readonly warnings: readonly string[];
};

const percent = z.number().min(0).describe('0 to 100, one decimal.');
const bytes = z.number().min(0);
const count = z.int().min(0);

const host: z.ZodType<Host> = z.strictObject({
  name: z.string().optional(),
  os: z.string().optional().describe('As it calls itself: Debian GNU/Linux 12 (bookworm).'),
  kernel: z.string().optional().describe('Linux 6.1.0-18-amd64.'),
  machine: z.string().optional().describe('x86_64, arm64.'),
  uptimeSeconds: z.number().min(0).optional(),
});

const cpu: z.ZodType<Cpu> = z.strictObject({
  count: count.optional().describe('CPUs that are online.'),
  sampleSeconds: z.number().min(0).describe('What the percentages are of; 0: of all the time since the host started.'),
  usedPercent: percent.optional().describe('Of all CPUs together; waiting for disks is not use.'),
  userPercent: percent.optional(),
  systemPercent: percent.optional(),
  iowaitPercent: percent.optional().describe('Linux alone tells.'),
  stealPercent: percent.optional().describe('Taken by other guests of a virtual host; Linux alone tells.'),
});

const load: z.ZodType<Load> = z.strictObject({
  one: z.number().min(0).describe('Average of the last minute.'),
  five: z.number().min(0),
  fifteen: z.number().min(0),
  perCpu: z.number().min(0).optional().describe('That of the last minute, divided by the CPUs.'),
});

const memory: z.ZodType<Memory> = z.strictObject({
  totalBytes: bytes,
  usedBytes: bytes.describe('What is not available.'),
  availableBytes: bytes.describe('What programs can have without swapping: caches count as available.'),
  usedPercent: percent,
});

const swap: z.ZodType<Swap> = z.strictObject({ totalBytes: bytes, usedBytes: bytes, usedPercent: percent });

const disk: z.ZodType<Disk> = z.strictObject({
  mount: z.string(),
  device: z.string(),
  fs: z.string().optional(),
  totalBytes: bytes,
  usedBytes: bytes,
  availableBytes: bytes.describe('To users other than root.'),
  usedPercent: percent.describe('Of what users can have, as df counts.'),
  inodes: z
    .strictObject({ total: count, used: count, usedPercent: percent })
    .optional()
    .describe('Where the file system counts them.'),
});

const oneProcess: z.ZodType<Process> = z.strictObject({
  pid: count,
  name: z.string().describe('Of its program, without arguments: those may hold secrets.'),
  user: z.string().optional(),
  cpuPercent: z.number().min(0).describe('Of one CPU; several threads can have more than 100.'),
  memoryBytes: bytes.describe('Resident.'),
  memoryPercent: percent.optional(),
});

/** What `system.status` finds out. What a host cannot tell is not there, and `warnings` says why. */
export const SystemStatus: z.ZodType<SystemStatus> = z.strictObject({
  host,
  cpu: cpu.optional(),
  load: load.optional(),
  memory: memory.optional(),
  swap: swap.optional(),
  disks: z.array(disk).describe('Without what is no disk: /proc and the like, read-only images, containers.'),
  processes: z
    .strictObject({
      count,
      byCpu: z.array(oneProcess).describe('Of most CPU first; those that used none are left out.'),
      byMemory: z.array(oneProcess).describe('Of most memory first.'),
    })
    .optional(),
  warnings: z.array(z.string()),
});
