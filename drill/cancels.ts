import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '@moltbot/testkit';
import { type LoadOptions, postUntilTaken } from './load.ts';

/** A command that was cancelled some seconds after the door said yes to it. */
export interface Cancelled {
  readonly n: number;
  readonly taskId: string;
  /** What was said: it is `cancelled`, that is `asked` for, or it had `ended` before. */
  readonly said: 'cancelled' | 'asked' | 'ended';
  /** Whether it had begun when that was said. */
  readonly hadBegun: boolean;
}

/** What the hosts tell of those commands. */
export interface CancelTraces {
  /** The file to which each adds its number when it begins. */
  begun(): readonly string[];
  /** Pids of processes of them that are there now. */
  processes(): readonly number[];
}

/** None of them ends by itself while the drill lasts, and each can be told from everything else on the machine. */
const seconds = 7_200;

/** Posts numbered commands that take hours, and cancels each within some seconds, again and again until that is answered. */
export async function postAndCancel(options: LoadOptions, traces: CancelTraces): Promise<readonly Cancelled[]> {
  const { commands, journal, random, targets, everyMs, api } = options;
  const all: Promise<Cancelled>[] = [];
  for (let n = 1; n <= commands; n += 1) {
    const command = `echo ${n} >> ${journal}; sleep ${seconds}.${n}`;
    const waitMs = random.between(0, 3) === 0 ? random.between(0, 8_000) : 0;
    const on = random.pick(targets);
    all.push(
      postUntilTaken(options, { key: `cancelled-${n}`, command, on }).then(async (taskId) => {
        await delay(waitMs);
        const said = await cancelUntilAnswered(api, taskId);
        return { n, taskId, said, hadBegun: traces.begun().includes(String(n)) };
      }),
    );
    await delay(everyMs);
  }
  return Promise.all(all);
}

async function cancelUntilAnswered(api: ApiClient, taskId: string): Promise<Cancelled['said']> {
  for (;;) {
    const answer = await api.post<{ readonly state?: string }>(`/v1/tasks/${taskId}/cancel`, {}).catch(() => undefined);
    if (answer?.status === 202) return answer.body.state === 'cancelled' ? 'cancelled' : 'asked';
    // An answer that was lost, or another end.
    if (answer?.status === 409) return answer.body.state === 'cancelled' ? 'cancelled' : 'ended';
    // 404: an emptied store has not learned of it yet.
    if (answer && answer.status !== 404 && answer.status !== 429 && answer.status < 500)
      throw new Error(`the cancel of ${taskId} was refused with ${answer.status}: ${JSON.stringify(answer.body)}`);
    await delay(500);
  }
}

export const createTraces = (journal: string): CancelTraces => ({
  begun: () => readFileSync(journal, 'utf8').split('\n').filter(Boolean),
  processes: () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => commandLine(pid).includes(`sleep ${seconds}.`))
      .map(Number),
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
