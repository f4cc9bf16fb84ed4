import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outputToStatus } from '../src/output-to-status.ts';
import type { SystemStatus } from '../src/status.ts';
import { statusToText } from '../src/status-to-text.ts';
import { statusIn, usual } from './support/run-script.ts';

/** As a small Linux host prints it, with section by section given or left as it is. */
const output = (more: Readonly<Record<string, readonly string[]>> = {}): string => {
  const sections: Readonly<Record<string, readonly string[]>> = {
    host: ['Linux web-1 6.1.0-18-amd64 x86_64'],
    os: ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"'],
    uptime: ['up 100000.50 190000.00'],
    load: ['0.52 1.45 2.69 1/90 11576'],
    meminfo: [
      'MemTotal:  8000 kB',
      'MemFree:  1000 kB',
      'MemAvailable:  6000 kB',
      'SwapTotal:  2000 kB',
      'SwapFree:  1500 kB',
    ],
    disks: [
      'Filesystem     Type 1024-blocks    Used Available Capacity Mounted on',
      '/dev/sda1      ext4     2000000 1500000    400000      79% /',
    ],
    inodes: ['Filesystem  Inodes IUsed IFree IUse% Mounted on', '/dev/sda1  1000 250 750 25% /'],
    mounts: [],
    page: ['4096'],
    cpu: ['count 4', 'sample 2', '0 cpu  1000 0 500 8000 100 0 0 0 0 0', '1 cpu  1100 100 600 8400 200 50 50 100 40 0'],
    processes: [
      ...['count 120', 'at 0 100000.00 190000.00', 'at 1 100002.00 190004.00'],
      ...['0 42 500 100 50 100 nginx', '1 42 500 200 150 100 nginx', 'user 42 www'],
      ...['1 77 9999000 30 10 50 cc1 plus) x', 'user 77 root'],
    ],
    ...more,
  };
  return Object.entries({ ...sections, end: [] })
    .map(([name, lines]) => [`@@${name}`, ...lines, ''].join('\n'))
    .join('');
};

describe('the output of a Linux host', () => {
  test('is read section by section', () => {
    expect(statusIn(output())).toEqual({
      ...{
        host: {
          name: 'web-1',
          os: 'Debian GNU/Linux 12 (bookworm)',
          kernel: 'Linux 6.1.0-18-amd64',
          machine: 'x86_64',
          uptimeSeconds: 100_000,
        },
      },
      cpu: {
        ...{ count: 4, sampleSeconds: 2, usedPercent: 50, userPercent: 20, systemPercent: 20 },
        ...{ iowaitPercent: 10, stealPercent: 10 },
      },
      load: { one: 0.52, five: 1.45, fifteen: 2.69, perCpu: 0.13 },
      memory: { totalBytes: 8_192_000, usedBytes: 2_048_000, availableBytes: 6_144_000, usedPercent: 25 },
      swap: { totalBytes: 2_048_000, usedBytes: 512_000, usedPercent: 25 },
      disks: [
        {
          ...{ mount: '/', device: '/dev/sda1', fs: 'ext4', totalBytes: 2_048_000_000, usedBytes: 1_536_000_000 },
          ...{ availableBytes: 409_600_000, usedPercent: 78.9, inodes: { total: 1000, used: 250, usedPercent: 25 } },
        },
      ],
      processes: {
        count: 120,
        byCpu: [
          { pid: 42, name: 'nginx', user: 'www', cpuPercent: 100, memoryBytes: 409_600, memoryPercent: 5 },
          { pid: 77, name: 'cc1 plus) x', user: 'root', cpuPercent: 20, memoryBytes: 204_800, memoryPercent: 2.5 },
        ],
        byMemory: [expect.objectContaining({ pid: 42 }), expect.objectContaining({ pid: 77 })],
      },
      warnings: [],
    });
  });

  test('may follow what a login shell says, and may come in pieces', () => {
    const noisy = `Welcome to web-1!\n@@ not one of ours\n${output()}bye\n`;
    expect(statusIn(noisy)).toEqual(statusIn(output()));
    const first = output({ processes: ['at 1 100002.00 1.0'] });
    expect(statusIn(`${first}@@processes\n1 42 9990000 100 100 1 a\n@@end\n`).processes).toMatchObject({ count: 1 });
  });

  test('that is cut off says so, and gives what came before', () => {
    const text = output();
    const status = statusIn(text.slice(0, text.indexOf('@@cpu')));
    expect(status).toMatchObject({ host: { name: 'web-1' }, memory: { usedPercent: 25 }, disks: [{ mount: '/' }] });
    expect(status.warnings).toEqual([
      'cpu: the host does not tell, or not as it is asked here',
      'processes: the host does not tell, or not as it is asked here',
      'the look at the host ended early',
    ]);
  });

  test('that never began is none', () => {
    expect(outputToStatus('sh: 1: Syntax error\n', usual)).toBeUndefined();
  });

  test.each([
    [
      'of an old kernel, memory',
      { meminfo: ['MemTotal: 1000 kB', 'MemFree: 100 kB', 'Buffers: 50 kB', 'Cached: 300 kB', 'Shmem: 50 kB'] },
      { memory: { availableBytes: 400 * 1_024, usedPercent: 60 } },
    ],
    [
      'of one sample alone, CPU',
      { cpu: ['count 1', 'sample 0', '1 cpu 10 0 10 80 0 0 0 0'] },
      { cpu: { sampleSeconds: 0, usedPercent: 20 } },
    ],
    [
      'whose iowait went back, CPU',
      { cpu: ['0 cpu 0 0 0 0 50 0 0 0', '1 cpu 10 0 0 10 40 0 0 0'] },
      { cpu: { usedPercent: 50, iowaitPercent: 0 } },
    ],
    [
      'with pages of 64 KiB, processes',
      { page: ['64 kB'], processes: ['at 1 10.0 1.0', '1 5 900 50 50 2 x'] },
      { processes: { byMemory: [{ memoryBytes: 131_072 }] } },
    ],
    [
      'of a process that began in between, CPU',
      { processes: ['at 0 10.0 1', 'at 1 12.0 1', '0 5 100 999 0 1 old', '1 5 1100 50 0 1 new'] },
      { processes: { byCpu: [{ name: 'new', cpuPercent: 25 }] } },
    ],
    [
      'of no sample, CPU of a process since its start',
      { processes: ['at 1 12.0 1', '1 5 200 100 400 1 x'] },
      { processes: { byCpu: [{ cpuPercent: 50 }] } },
    ],
  ])('%s is right', (_what, more, expected) => {
    expect(statusIn(output(more))).toMatchObject(expected);
  });
});

describe('disks', () => {
  const disks = (...rows: readonly string[]): SystemStatus =>
    statusIn(
      output({ disks: ['Filesystem Type 1024-blocks Used Available Capacity Mounted on', ...rows], inodes: [] }),
    );

  test('are those that one can fill: not the system’s own, not read-only images, not containers, and each once', () => {
    const { disks: found } = disks(
      'udev devtmpfs 4000000 0 4000000 0% /dev',
      'tmpfs tmpfs 800000 1000 799000 1% /run',
      '/dev/mapper/vg-root ext4 9000000 1000000 7500000 12% /',
      'tmpfs tmpfs 4000000 0 4000000 0% /dev/shm',
      'tmpfs tmpfs 4000000 2000000 2000000 50% /tmp',
      '/dev/loop3 squashfs 65000 65000 0 100% /snap/core/1',
      '/dev/sr0 iso9660 650000 650000 0 100% /media/cdrom',
      'overlay overlay 9000000 1000000 7500000 12% /var/lib/docker/overlay2/abc/merged',
      '/dev/mapper/vg-root ext4 9000000 1000000 7500000 12% /var/lib/kubelet/x',
      'tmpfs tmpfs 16000000 12 15999988 1% /var/lib/kubelet/pods/1/volumes/token',
      'nas:/export/my files nfs4 90000000 80000000 10000000 89% /mnt/my nas',
      '//win/share$ cifs 1000000 500000 500000 50% /mnt/win',
      'proc proc 0 0 0 - /proc',
    );
    expect(found.map(({ mount, device, fs }) => [mount, device, fs])).toEqual([
      ['/', '/dev/mapper/vg-root', 'ext4'],
      ['/tmp', 'tmpfs', 'tmpfs'],
      ['/mnt/my nas', 'nas:/export/my files', 'nfs4'],
      ['/mnt/win', '//win/share$', 'cifs'],
    ]);
  });

  test('the root of a container is one', () => {
    const { disks: found } = disks(
      'overlay overlay 9000000 1000000 7500000 12% /',
      '/dev/vda1 ext4 9000000 1000000 7500000 12% /etc/hosts',
    );
    expect(found.map(({ mount }) => mount)).toEqual(['/', '/etc/hosts']);
  });

  test('without types the table is read as well', () => {
    const status = statusIn(
      output({
        disks: [
          'Filesystem 1024-blocks Used Available Capacity Mounted on',
          '/dev/sda1 2000000 1500000 400000 79% /',
          '/dev/sda1 ext4 2000000 1500000 400000 79% /',
        ],
      }),
    );
    expect(status.disks).toMatchObject([{ device: '/dev/sda1', usedPercent: 78.9 }]);
    expect(status.disks[0]?.fs).toBeUndefined();
  });

  test('too many of them are the fullest', () => {
    const rows = Array.from(
      { length: 100 },
      (_, n) => `/dev/sd${n} ext4 10000 ${n * 100} ${10_000 - n * 100} ${n}% /data/${n}`,
    );
    const status = disks(...rows);
    expect(status.disks.map(({ mount }) => mount)).toEqual(Array.from({ length: 40 }, (_, n) => `/data/${n + 60}`));
    expect(status.warnings).toEqual(['disks: 60 more are less full than these']);
  });
});

describe('whatever a host prints', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '0',
      '1',
      'at',
      'count',
      'cpu',
      'user',
      '100%',
      '-',
      '/',
      '/mnt',
      'MemTotal:',
      'kB',
      'total',
      '=',
      '12.5M',
      'Device',
      'Pages',
    ),
    fc.nat(2 ** 31).map(String),
    fc.bigInt({ min: 0n, max: 10n ** 25n }).map(String),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.double({ noNaN: true }).map(String),
  );
  const line = fc.array(word, { maxLength: 14 }).map((list) => list.join(' '));
  const name = fc.constantFrom(
    'host',
    'os',
    'uptime',
    'load',
    'meminfo',
    'memory',
    'arc',
    'swap',
    'disks',
    'inodes',
    'mounts',
    'page',
    'cpu',
    'processes',
    'ps',
    'end',
  );
  const section = fc
    .tuple(name, fc.array(line, { maxLength: 6 }))
    .map(([title, list]) => [`@@${title}`, ...list].join('\n'));

  test('is read without an error, and fits what is promised', () => {
    fc.assert(
      fc.property(fc.array(section, { maxLength: 20 }), (sections) => {
        const status = statusIn(`@@host\n${sections.join('\n')}`);
        expect(status.warnings.length).toBeGreaterThan(0);
        expect(statusToText(status)).toMatch(/\n$/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a true output with lines spoiled, lost or doubled is read without an error', () => {
    const lines = output().split('\n');
    const harm = fc.record({
      at: fc.nat(lines.length - 1),
      by: fc.oneof(line, fc.constant(undefined)),
      twice: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(harm, { maxLength: 8 }), (harms) => {
        const spoiled: (string | undefined)[] = [...lines];
        for (const { at, by, twice } of harms) spoiled[at] = twice ? `${lines[at]}\n${by ?? ''}` : by;
        const text = spoiled.filter((each) => each !== undefined).join('\n');
        if (outputToStatus(text, usual)) statusIn(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test('its data is never more than is kept, and it takes no time to read', () => {
    const rude = '\u{1b}"\\\u{e000}ü漢'.repeat(300);
    const rows = Array.from({ length: 2_000 }, (_, n) => `${rude}${n} ${rude} 1000000 999999 1 99% /${rude}${n}`);
    const many = Array.from({ length: 5_000 }, (_, n) => `1 ${n} 1 ${n} 1 ${n} ${rude}`);
    const started = process.cpuUsage();
    const status = statusIn(
      output({
        host: [`Linux ${rude} ${rude} ${rude}`],
        os: [`PRETTY_NAME="${rude}"`],
        disks: ['Filesystem', ...rows, ' '.repeat(500_000), '1 '.repeat(4_000)],
        processes: [...many, ...many.map((_, n) => `user ${n} ${rude}`), `at 1 ${'9'.repeat(8_000)}`],
        memory: ['Mach '.repeat(1_000)],
      }),
      { top: 20, sample: 1 },
    );
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
    expect(status.disks).toHaveLength(40);
    expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThan(64 * 1_024);
    expect(statusToText(status)).not.toMatch(/[^\P{C}\n]/u);
  });
});

test('as text it is a page for people', () => {
  const status = statusIn(
    output({
      meminfo: ['MemTotal: 8046000 kB', 'MemAvailable: 4840000 kB', 'SwapTotal: 2097152 kB', 'SwapFree: 2000000 kB'],
      disks: [
        'Filesystem Type 1024-blocks Used Available Capacity Mounted on',
        '/dev/sda1 ext4 51474912 32512000 16315584 67% /',
        'nas:/export nfs4 10737418240 9663676416 1073741824 90% /srv/files',
      ],
      processes: [
        ...['count 120', 'at 0 100000.00 190000.00', 'at 1 100002.00 190004.00', 'hidden'],
        ...['0 42 500 100 50 100000 nginx', '1 42 500 200 150 100000 nginx', 'user 42 www', '1 7 9 0 0 2 sh'],
      ],
    }),
  );
  expect(statusToText(status)).toMatchInlineSnapshot(`
    "web-1  Debian GNU/Linux 12 (bookworm)  Linux 6.1.0-18-amd64  x86_64  up 1 d 3 h
    cpu        50 % of 4 CPUs (user 20, system 20, iowait 10, steal 10, over 2 s)
    load       0.52 1.45 2.69 (0.13 per CPU)
    memory     39.8 %, 3.1 GiB of 7.7 GiB, 4.6 GiB available
    swap       4.6 %, 94.9 MiB of 2.0 GiB
    processes  120

    disk         type      size      used      free  used %  inodes %  mounted on
    /dev/sda1    ext4  49.1 GiB  31.0 GiB  15.6 GiB    66.6        25  /
    nas:/export  nfs4  10.0 TiB   9.0 TiB   1.0 TiB      90         -  /srv/files

    most CPU  pid  user  CPU %   memory  memory %
    nginx      42  www     100  391 MiB         5

    most memory  pid  user  CPU %   memory  memory %
    nginx         42  www     100  391 MiB         5
    sh             7            0  8.0 KiB         0

    ! processes: those of other users cannot be seen
    "
  `);
});
