import { isFinal, isLegalRunMove, type RunOrder, type RunOutcome, type RunState } from '@moltbot/shared';
import { type Arbitrary, array, assert, asyncProperty, constantFrom, nat, oneof, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunToken, Store } from '../../src/port.ts';
import { claimOf, first, newTask, stderr, stdout } from '../fixtures.ts';
import type { Suite } from './suite.ts';

const endStates = ['succeeded', 'failed', 'timed-out', 'cancelled', 'unknown', 'undeliverable', 'expired'] as const;

type HolderAct =
  | { readonly do: 'start' | 'release' | 'expire'; readonly token: number }
  | { readonly do: 'append'; readonly token: number; readonly text: string; readonly late: boolean }
  | { readonly do: 'finish'; readonly token: number; readonly state: RunOutcome['state']; readonly text: string };

type Act = HolderAct | { readonly do: 'claim'; readonly worker: string } | { readonly do: 'cancel' | 'abandon' };

/** Half of the acts are by the newest holder, as else nearly all would be fenced off. */
const token = oneof(nat(0), nat(3));
const text = string({ minLength: 1, maxLength: 5 });
const act: Arbitrary<Act> = oneof(
  { weight: 4, arbitrary: record({ do: constantFrom('claim' as const), worker: constantFrom('w1', 'w2', 'w3') }) },
  { weight: 5, arbitrary: record({ do: constantFrom('start', 'release', 'expire'), token }) },
  {
    weight: 4,
    arbitrary: record({ do: constantFrom('append' as const), token, text, late: constantFrom(false, true) }),
  },
  {
    weight: 2,
    arbitrary: record({ do: constantFrom('finish' as const), token, state: constantFrom(...endStates), text }),
  },
  { weight: 1, arbitrary: record({ do: constantFrom('cancel', 'abandon') }) },
);

/** What must hold whatever several workers do to one run, in any order. */
class Trial {
  readonly #store: Store;
  readonly #order: RunOrder;
  readonly #tokens: RunToken[] = [];
  #state: RunState = 'queued';
  #output = '';

  constructor(store: Store, order: RunOrder) {
    this.#store = store;
    this.#order = order;
  }

  async act(given: Act): Promise<void> {
    const acted = await this.#do(given);
    const after = await this.#read();
    const isMove = after !== this.#state;
    if (isMove) expect([this.#state, after]).toSatisfy(([from, to]) => isLegalRunMove(from, to));
    // Whoever changed something held the newest fence.
    if (acted) expect(acted.fence).toBe(this.#tokens[0]?.fence);
    this.#state = after;
  }

  /** From wherever it is, a worker can give it its end. */
  async end(): Promise<void> {
    await this.act({ do: 'expire', token: 0 });
    await this.act({ do: 'claim', worker: 'last' });
    for (const state of ['unknown', 'failed'] as const) await this.act({ do: 'finish', token: 0, state, text: 'end' });
    expect(isFinal(this.#state)).toBe(true);
    const { runId, task } = this.#order;
    const read = async (stream: 'stdout' | 'stderr') =>
      (await this.#store.readOutput('acme', runId, stream, 0, 10_000))?.data.toString();
    expect(await read('stdout')).toBe(this.#output);
    expect(await read('stderr')).toBe(this.#output);
    expect(await this.#store.getTask('acme', task.id)).toMatchObject({
      state: this.#state,
      counts: { [this.#state]: 1 },
    });
    await this.#checkEvents();
  }

  async #checkEvents(): Promise<void> {
    const events = await this.#store.readEvents('acme', this.#order.task.id, 0, 1_000);
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    const ends = events.filter((event) => event.kind !== 'output' && isFinal(event.state));
    expect(ends.map((event) => event.kind)).toEqual(['run', 'task']);
    const bytes = events.map((event) => (event.kind === 'output' ? event.length : 0)).reduce((a, b) => a + b, 0);
    expect(bytes).toBe(2 * Buffer.byteLength(this.#output));
  }

  /** Does it; returns the token when the store says that something was done with it. */
  async #do(given: Act): Promise<RunToken | undefined> {
    if (given.do === 'claim') return this.#claim(given.worker);
    if (!('token' in given)) return this.#interfere(given.do);
    const held = this.#tokens[given.token];
    if (!held) return undefined;
    return (await this.#with(held, given)) ? held : undefined;
  }

  async #claim(worker: string): Promise<undefined> {
    const claim = await this.#store.claimRun(claimOf(this.#order, { worker }));
    if (claim.verdict !== 'run' && claim.verdict !== 'lost') return;
    expect(claim.token.fence).toBeGreaterThan(this.#tokens[0]?.fence ?? 0);
    expect(claim.verdict === 'lost').toBe(this.#state === 'running');
    this.#tokens.unshift(claim.token);
  }

  async #interfere(how: 'cancel' | 'abandon'): Promise<undefined> {
    if (how === 'cancel') {
      await this.#store.requestCancel('acme', this.#order.task.id);
      return;
    }
    const outcome = await this.#store.abandonRun(this.#order, { state: 'undeliverable' });
    // It fences off a holder whose lease was over.
    if (outcome === 'ok') this.#tokens.unshift({ tenant: 'acme', runId: this.#order.runId, fence: Number.NaN });
  }

  async #with(held: RunToken, given: HolderAct): Promise<boolean> {
    const at = 2 * Buffer.byteLength(this.#output);
    const store = this.#store;
    switch (given.do) {
      case 'start':
        return ['ok', 'cancelled'].includes(await store.startRun(held));
      case 'release':
        return (await store.releaseRun(held)) === 'ok';
      case 'expire':
        return first(await store.renewLeases([held], -1)).held;
      case 'append':
        return this.#append(held, given.text, given.late ? at + 1 : at);
      case 'finish':
        return this.#finish(held, given, at);
    }
  }

  async #append(held: RunToken, piece: string, at: number): Promise<boolean> {
    const { kind } = await this.#store.appendOutput(held, at, [stdout(piece), stderr(piece)]);
    if (kind === 'ok') this.#output += piece;
    return kind === 'ok';
  }

  async #finish(held: RunToken, { state, text }: { state: RunOutcome['state']; text: string }, at: number) {
    const was = this.#state;
    const rest = { at, chunks: [stdout(text), stderr(text)] };
    const outcome = await this.#store.finishRun(held, { state }, rest);
    if (outcome === 'ok' && !isFinal(was)) this.#output += text;
    return outcome === 'ok';
  }

  async #read(): Promise<RunState> {
    return first(await this.#store.getRuns('acme', this.#order.task.id)).state;
  }
}

/** Several workers do anything, in any order. */
export function randomConformance(suite: Suite): void {
  describe('whatever workers do to a run', () => {
    it('moves legally, by the newest fence alone, and keeps what its holders wrote', async () => {
      await assert(
        asyncProperty(array(act, { minLength: 5, maxLength: 30 }), async (acts) => {
          const task = newTask();
          await suite.store().acceptTask(task);
          const trial = new Trial(suite.store(), first(task.orders));
          for (const step of acts) await trial.act(step);
          await trial.end();
        }),
        { numRuns: 150 },
      );
    });
  });
}
