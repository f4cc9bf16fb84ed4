import type { ActionContext, Captured, CaptureSpec, OutputStream } from '@moltbot/plugin-sdk';
import { expect, test } from 'vitest';
import SystemPlugin from '../src/index.ts';

const [action] = new SystemPlugin().actions();

/** Runs the action on a target that answers its command so; what it gave back, wrote and asked for. */
async function runWith(captured: Partial<Captured>, args: object = {}) {
  const written: Record<OutputStream, string> = { stdout: '', stderr: '' };
  const asked: CaptureSpec[] = [];
  const context = {
    args: action?.args.parse(args),
    target: { name: 'web-1' },
    write: async (stream: OutputStream, data: string) => {
      written[stream] += data;
    },
    capture: async (spec: CaptureSpec) => {
      asked.push(spec);
      return { stdout: '', stderr: '', truncated: false, exitCode: 0, ...captured };
    },
  } as unknown as ActionContext<unknown>;
  const result = await action?.run(context);
  return { result, written, asked };
}

test('asks once, reads only, and says so', async () => {
  expect(action).toMatchObject({ name: 'system.status', class: 'readonly', effects: 'by-exec' });
  const { result, written, asked } = await runWith({ stdout: '@@host\nLinux web-1 6.1 x86_64\n@@end\n' });
  expect(result).toMatchObject({ exitCode: 0, data: { host: { name: 'web-1', kernel: 'Linux 6.1' }, disks: [] } });
  expect(written.stdout).toMatch(/^web-1 {2}Linux 6\.1/);
  expect(asked).toHaveLength(1);
  expect(asked[0]?.command).toMatch(/^s_top=5 s_sample=1\n/);
  expect((await runWith({ stdout: '@@host' }, { top: 0, sample: 30 })).asked[0]?.command).toMatch(
    /^s_top=0 s_sample=30\n/,
  );
});

test('the script is short enough to be sent with each look, and holds no comment', async () => {
  const [{ command = '' } = {}] = (await runWith({ stdout: '@@host' })).asked;
  expect(command.length).toBeLessThan(8_000);
  expect(command).not.toMatch(/^\s*#/m);
});

test.each([[{ top: 21 }], [{ top: -1 }], [{ sample: 31 }], [{ sample: 0.5 }], [{ tops: 1 }], [{ top: '5; reboot' }]])(
  'refuses %j',
  (args) => {
    expect(action?.args.safeParse(args).success).toBe(false);
  },
);

test('what a shell says that cannot run the script is shown, and its status is that of the run', async () => {
  const { result, written } = await runWith({ exitCode: 2, stdout: 'This account is locked.\n', stderr: 'sh: no\n' });
  expect(result).toEqual({ exitCode: 2, signal: undefined });
  expect(written).toEqual({ stdout: 'This account is locked.\n', stderr: 'sh: no\n' });
  await expect(runWith({ stdout: 'This account is locked.\n' })).rejects.toThrow('the shell of web-1 did not run');
});
