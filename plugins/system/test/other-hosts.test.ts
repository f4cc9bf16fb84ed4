import { expect, test } from 'vitest';
import { freeBsd, macOs, netBsd, openBsd } from './support/hosts.ts';
import { lookAtStandIn } from './support/run-script.ts';

const kib = 1_024;

test('macOS', async () => {
  expect(await lookAtStandIn(macOs)).toEqual({
    host: { name: 'mini.local', os: 'macOS 14.5', kernel: 'Darwin 23.5.0', machine: 'arm64', uptimeSeconds: 400_000 },
    cpu: { count: 8, sampleSeconds: 1, usedPercent: 56.4, userPercent: 22.4, systemPercent: 34 },
    load: { one: 1.66, five: 1.86, fifteen: 1.84, perCpu: 0.21 },
    memory: {
      ...{ totalBytes: 17_179_869_184, availableBytes: 198_725 * 16_384 },
      ...{ usedBytes: 17_179_869_184 - 198_725 * 16_384, usedPercent: 81 },
    },
    swap: { totalBytes: 2_048 * 2 ** 20, usedBytes: 1_012.25 * 2 ** 20, usedPercent: 49.4 },
    disks: [
      {
        ...{ mount: '/', device: '/dev/disk3s1s1', fs: 'apfs', totalBytes: 482_797_652 * kib },
        ...{ usedBytes: 10_240_000 * kib, availableBytes: 193_000_000 * kib, usedPercent: 5 },
        inodes: { total: 1_930_404_167, used: 404_167, usedPercent: 0 },
      },
      {
        ...{ mount: '/System/Volumes/Data', device: '/dev/disk3s5', fs: 'apfs', totalBytes: 482_797_652 * kib },
        ...{ usedBytes: 270_000_000 * kib, availableBytes: 193_000_000 * kib, usedPercent: 58.3 },
      },
      {
        ...{ mount: '/Volumes/Time Machine', device: '/dev/disk5s2', fs: 'hfs', totalBytes: 976_000_000 * kib },
        ...{ usedBytes: 900_000_000 * kib, availableBytes: 76_000_000 * kib, usedPercent: 92.2 },
        inodes: { total: 1_000, used: 120, usedPercent: 12 },
      },
    ],
    processes: {
      count: 4,
      byCpu: [
        { pid: 8895, name: 'Electron', user: 'kim', cpuPercent: 140.8, memoryBytes: 604_896 * kib, memoryPercent: 3.6 },
        {
          pid: 401,
          name: 'WindowServer',
          user: '_windowserver',
          cpuPercent: 24.6,
          memoryBytes: 114_912 * kib,
          memoryPercent: 0.7,
        },
        { pid: 1, name: 'launchd', user: 'root', cpuPercent: 0.1, memoryBytes: 14_336 * kib, memoryPercent: 0.1 },
      ],
      byMemory: [
        expect.objectContaining({ pid: 8895 }),
        expect.objectContaining({ pid: 401 }),
        expect.objectContaining({ pid: 11431, name: '(XprotectService)', cpuPercent: 0 }),
        expect.objectContaining({ pid: 1 }),
      ],
    },
    warnings: [],
  });
});

test('FreeBSD', async () => {
  const arc = 2_147_483_648 - 268_435_456;
  const available = 400_000 * 4_096 + arc;
  expect(await lookAtStandIn(freeBsd)).toEqual({
    host: {
      name: 'web1',
      os: 'FreeBSD 14.1-RELEASE',
      kernel: 'FreeBSD 14.1-RELEASE',
      machine: 'amd64',
      uptimeSeconds: 90,
    },
    cpu: { count: 4, sampleSeconds: 1, usedPercent: 50, userPercent: 40, systemPercent: 10 },
    load: { one: 0.31, five: 0.35, fifteen: 0.36, perCpu: 0.08 },
    memory: {
      ...{ totalBytes: 8_543_064_064, availableBytes: available },
      ...{ usedBytes: 8_543_064_064 - available, usedPercent: 58.8 },
    },
    swap: { totalBytes: 4_194_304 * kib, usedBytes: 524_288 * kib, usedPercent: 12.5 },
    disks: [
      expect.objectContaining({ mount: '/', device: 'zroot/ROOT/default', fs: 'zfs', usedPercent: 4 }),
      expect.objectContaining({ mount: '/var/log', device: 'zroot/var/log', fs: 'zfs', usedBytes: 1_280 * kib }),
      {
        ...{ mount: '/media/usb stick', device: '/dev/da0p1', fs: 'msdosfs', totalBytes: 1_024_000 * kib },
        ...{ usedBytes: 512_000 * kib, availableBytes: 512_000 * kib, usedPercent: 50 },
        inodes: { total: 1_000, used: 900, usedPercent: 90 },
      },
    ],
    processes: {
      count: 3,
      byCpu: [
        { pid: 812, name: 'nginx', user: 'www', cpuPercent: 12.5, memoryBytes: 262_144 * kib, memoryPercent: 3.1 },
      ],
      byMemory: [812, 0, 1].map((pid) => expect.objectContaining({ pid })),
    },
    warnings: [],
  });
});

test('OpenBSD', async () => {
  const status = await lookAtStandIn(openBsd);
  expect(status).toMatchObject({
    host: { name: 'fw', os: 'OpenBSD 7.5', uptimeSeconds: 3 * 86_400 + 4 * 3_600 + 5 * 60 },
    cpu: { count: 2, sampleSeconds: 1, usedPercent: 20, userPercent: 5, systemPercent: 15 },
    load: { one: 0.1, five: 0.12, fifteen: 0.09, perCpu: 0.05 },
    memory: { totalBytes: 4_278_038_528, availableBytes: 600_000 * 4_096, usedPercent: 42.6 },
    swap: { totalBytes: 1_048_576 * kib, usedBytes: 10_486 * kib, usedPercent: 1 },
    disks: [
      { mount: '/', fs: 'ffs', usedPercent: 10.5, inodes: { total: 155_904, used: 2_563, usedPercent: 1.6 } },
      { mount: '/var', fs: 'ffs', availableBytes: 0, usedPercent: 100 },
      { mount: '/tmp', device: 'mfs:4242', fs: 'mfs', usedPercent: 0 },
    ],
    processes: { count: 2, byCpu: [{ pid: 81234, user: '_pflogd', name: 'pflogd' }] },
    warnings: [],
  });
});

test('NetBSD', async () => {
  expect(await lookAtStandIn(netBsd)).toMatchObject({
    host: { name: 'nb', os: 'NetBSD 10.0', machine: 'evbarm', uptimeSeconds: 720 },
    cpu: { count: 1, usedPercent: 10, userPercent: 10, systemPercent: 0 },
    load: { one: 0, five: 0.02, fifteen: 0.05, perCpu: 0 },
    memory: { totalBytes: 1_073_741_824, availableBytes: 140_000 * 4_096 },
    swap: { totalBytes: 0, usedBytes: 0, usedPercent: 0 },
    disks: [{ mount: '/', fs: 'ffs', usedPercent: 17, inodes: { total: 1_000_000, used: 40_000, usedPercent: 4 } }],
    warnings: [],
  });
});

test('without a sample the CPU is told since the start', async () => {
  const status = await lookAtStandIn(freeBsd, { top: 1, sample: 0 });
  expect(status.cpu).toEqual({ count: 4, sampleSeconds: 0, usedPercent: 1.5, userPercent: 1, systemPercent: 0.5 });
  expect(status.warnings).toEqual([]);
});

test('a host of another kind tells what it can, and the rest is said to be missing', async () => {
  const status = await lookAtStandIn({
    'uname -snrm': 'SunOS sol 5.11 i86pc\n',
    uptime: ' 10:00am  up 2 hrs,  1 user,  load average: 0.01, 0.02, 0.03\n',
    'df -Pk': 'Filesystem 1024-blocks Used Available Capacity Mounted on\nrpool/ROOT 1000000 250000 750000 25% /\n',
  });
  expect(status).toMatchObject({
    host: { name: 'sol', os: 'SunOS 5.11', uptimeSeconds: 7_200 },
    load: { one: 0.01, five: 0.02, fifteen: 0.03 },
    disks: [{ mount: '/', device: 'rpool/ROOT', usedPercent: 25 }],
  });
  expect(status.warnings).toEqual([
    'cpu: the host does not tell, or not as it is asked here',
    'memory: the host does not tell, or not as it is asked here',
    'swap: the host does not tell, or not as it is asked here',
    'processes: the host does not tell, or not as it is asked here',
  ]);
});
