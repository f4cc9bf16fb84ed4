import { eventually } from '@moltbot/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { startChatLab } from './lab.ts';
import { startTestDiscord, startTestLark } from './platforms.ts';

test.each([
  ['Discord', () => startTestDiscord({ isPatient: true })],
  ['Lark', startTestLark],
] as const)(
  'a schedule that finds a threshold passed sends one card to %s, whose remedy is run once',
  async (_name, start) => {
    const platform = await start();
    onTestFinished(() => platform.stop());
    const condition = 'result.memory.totalBytes > 1 && result.load.one >= 0.0';
    const lab = await startChatLab(platform, {
      schedules: [
        {
          id: 'watch-hosts',
          when: 'every 2s',
          alerts: [
            {
              ...{ if: condition, title: 'Memory is there', severity: 'warning', labels: { team: 'ops' } },
              remedy: { title: 'Clean up', action: 'shell.run', args: { command: 'echo cleaned $((6 * 7))' } },
            },
          ],
          task: { action: 'system.status', on: 'web-1', class: 'readonly', timeout: '1m', args: { sample: 0 } },
        },
      ],
    });
    onTestFinished(() => lab.stop());
    const cards = () => platform.said().filter(({ text }) => text.includes('Memory is there (web-1)'));
    const card = await eventually('the card', () => cards()[0], { withinMs: 30_000 });
    expect(card.text).toContain('Warning');
    expect(card.text).toContain('watch-hosts');
    expect(card.buttons).toEqual(['Acknowledge', 'Silence', 'Clean up']);
    await platform.press('bob', card.id, 'Clean up');
    await eventually('who did', () => cards()[0]?.text.includes('The remedy was started by'));
    const cleaned = () => platform.said().filter(({ text }) => text.includes('cleaned 42'));
    await eventually('what it did', () => cleaned()[0]?.replyTo === card.id);
    expect(cards()[0]?.buttons).toEqual([]);
    // Two more have come since, and are the same matter.
    await eventually('two more of them', async () => (await occurrences(lab)) > 2);
    expect(cards()).toHaveLength(1);
    expect(cleaned()).toHaveLength(1);
  },
  90_000,
);

async function occurrences(lab: Awaited<ReturnType<typeof startChatLab>>): Promise<number> {
  const headers = { authorization: `Bearer ${lab.key()}` };
  const answer = await fetch(`${lab.url()}/v1/schedules/watch-hosts/occurrences?state=fired`, { headers });
  const { occurrences } = (await answer.json()) as { occurrences: readonly { outcome?: string }[] };
  return occurrences.filter(({ outcome }) => outcome === 'succeeded').length;
}
