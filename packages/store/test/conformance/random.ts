import {
  isFinal,
  isLeased,
  isLegalRunMove,
  type RunOrder,
  type RunOutcome,
  type RunRecord,
  type RunState,
} from '@moltbot/shared';
import { type Arbitrary, array, assert, asyncProperty, constantFrom, nat, oneof, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClaimRequest, HeldRun, RunToken, Store } from '../../src/port.ts';
import { claimOf, error, first, late, newTask, stderr, stdout } from '../fixtures.ts';
import type { Suite } from './suite.ts';

const endStates = ['succeeded', 'failed', 'timed-out', 'cancelled', 'unknown', 'undeliverable', 'expired'] as const;

type HolderAct =
  | { readonly do: 'start' | 'expire'; readonly token: number }
  | { readonly do: 'release' | 'retry'; readonly token: number; readonly text: string }
  | { readonly do: 'append'; readonly token: number; readonly text: string; readonly late: boolean }
  | { readonly do: 'finish'; readonly token: number; readonly state: RunOutcome['state']; readonly text: string };

type Act =
  | HolderAct
  | { readonly do: 'claim'; readonly worker: string; readonly start: boolean }
  | { readonly do: 'repeat' | 'cancel' | 'abandon' | 'pass-time' };

/** Half of the acts are by the newest holder, as else nearly all would be fenced off. */
const token = oneof(nat(0), nat(3));
const text = string({ minLength: 1, maxLength: 5 });
const act: Arbitrary<Act> = oneof(
  {
    weight: 4,
    arbitrary: record({
      do: constantFrom('claim' as const),
      worker: constantFrom('w1', 'w2', 'w3'),
      start: constantFrom(false, true),
    }),
  },
  { weight: 4, arbitrary: record({ do: constantFrom('start', 'expire'), token }) },
  { weight: 3, arbitrary: record({ do: constantFrom('release', 'retry'), token, text }) },
  {
    weight: 4,
    arbitrary: record({ do: constantFrom('append' as const), token, text, late: constantFrom(false, true) }),
  },
  {
    weight: 2,
    arbitrary: record({ do: constantFrom('finish' as const), token, state: constantFrom(...endStates), text }),
  },
  { weight: 2, arbitrary: record({ do: constantFrom('repeat', 'cancel', 'abandon', 'pass-time') }) },
);

const tenant = 'trial';

/** queued → claimed → running, in one step. */
const startsAtOnce = (given: Act, from: RunState): boolean => given.do === 'claim' && given.start && from === 'queued';

/** What must hold whatever several workers do to one run, in any order. */
class Trial {
  readonly #store: Store;
  readonly #order: RunOrder;
  /** Newest first. */
  readonly #tokens: RunToken[] = [];
  readonly #letGo = new Set<RunToken>();
  #claim: { readonly request: ClaimRequest; readonly held: HeldRun } | undefined;
  #state: RunState = 'queued';
  #output = '';
  /** Where the output stood when each attempt was given up. */
  readonly #attemptEnds: number[] = [];
  #claims = 0;

  constructor(store: Store, order: RunOrder) {
    this.#store = store;
    this.#order = order;
  }

  async act(given: Act): Promise<void> {
    const acted = await this.#do(given);
    const { state: after, history, attempts, retryAt } = await this.#read();
    const isMove = after !== this.#state;
    if (isMove)
      expect([this.#state, after]).toSatisfy(([from, to]) => isLegalRunMove(from, to) || startsAtOnce(given, from));
    // Whoever changed something held the newest fence.
    if (acted) expect(acted).toBe(this.#tokens[0]);
    if (acted && this.#letGo.has(acted)) this.#fenceOff();
    expect(attempts).toBe(this.#claims);
    expect(history.map(({ stdoutBytes }) => stdoutBytes)).toEqual(this.#attemptEnds);
    if (after !== 'queued') expect(retryAt).toBeUndefined();
    this.#state = after;
  }

  /** From wherever it is, a worker can give it its end. */
  async end(): Promise<void> {
    await this.act({ do: 'expire', token: 0 });
    await this.act({ do: 'claim', worker: 'last', start: false });
    for (const state of ['unknown', 'failed'] as const) await this.act({ do: 'finish', token: 0, state, text: 'end' });
    expect(isFinal(this.#state)).toBe(true);
    const { runId, task } = this.#order;
    const read = async (stream: 'stdout' | 'stderr') =>
      (await this.#store.readOutput(tenant, runId, stream, 0, 10_000))?.data.toString();
    expect(await read('stdout')).toBe(this.#output);
    expect(await read('stderr')).toBe(this.#output);
    expect(await this.#store.getTask(tenant, task.id)).toMatchObject({
      state: this.#state,
      counts: { [this.#state]: 1 },
    });
    await this.#checkEvents();
  }

  async #checkEvents(): Promise<void> {
    const events = await this.#store.readEvents(tenant, this.#order.task.id, 0, 1_000);
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    const ends = events.filter((event) => 'state' in event && isFinal(event.state));
    expect(ends.map((event) => event.kind)).toEqual(['run', 'task']);
    const retries = events.filter((event) => event.kind === 'run' && event.retryAt !== undefined);
    expect(retries).toHaveLength(this.#attemptEnds.length);
    const bytes = events.map((event) => (event.kind === 'output' ? event.length : 0)).reduce((a, b) => a + b, 0);
    expect(bytes).toBe(2 * this.#bytes());
  }

  /** Does it; returns the token when the store says that something was done with it. */
  async #do(given: Act): Promise<RunToken | undefined> {
    if (given.do === 'claim') return this.#take(given);
    if (!('token' in given)) return this.#interfere(given.do);
    const held = this.#tokens[given.token];
    if (!held) return undefined;
    return (await this.#with(held, given)) ? held : undefined;
  }

  async #take({ worker, start }: { worker: string; start: boolean }): Promise<undefined> {
    const request = claimOf(this.#order, { worker, start });
    const claim = await this.#store.claimRun(request);
    if (claim.verdict !== 'run' && claim.verdict !== 'lost') return;
    expect(claim.token.fence).toBeGreaterThan(this.#tokens[0]?.fence ?? 0);
    expect(claim.verdict === 'lost').toBe(this.#state === 'running');
    if (claim.verdict === 'run') this.#claims += 1;
    expect(claim.attempt).toBe(this.#claims);
    const now = this.#bytes();
    const own = now - (this.#attemptEnds.at(-1) ?? 0);
    expect(claim.stored).toEqual({ stdout: now, stderr: now });
    expect(claim.ofAttempt).toEqual({ stdout: own, stderr: own });
    this.#tokens.unshift(claim.token);
    this.#claim = { request, held: claim };
  }

  async #interfere(how: 'repeat' | 'cancel' | 'abandon' | 'pass-time'): Promise<undefined> {
    const { task } = this.#order;
    if (how === 'cancel') await this.#store.requestCancel(tenant, task.id);
    if (how === 'repeat') await this.#repeat();
    if (how === 'abandon') {
      const outcome = await this.#store.abandonRun(this.#order, { state: 'undeliverable' });
      if (outcome === 'ok') this.#fenceOff();
    }
    if (how === 'pass-time') {
      await this.#store.expireQueued(tenant, 1_000);
      const { state } = await this.#read();
      if (state !== this.#state) {
        expect([this.#state, state]).toSatisfy(([from, to]) => !(from === 'running') && to === 'expired');
        this.#fenceOff();
      }
    }
  }

  /** The newest claim comes again: it is answered as before while its worker holds the run. */
  async #repeat(): Promise<void> {
    if (!this.#claim || !isLeased(this.#state) || this.#claim.held.token !== this.#tokens[0]) return;
    const { request, held } = this.#claim;
    const again = await this.#store.claimRun({ ...request, start: false });
    expect(again).toMatchObject({ token: held.token, attempt: held.attempt });
    expect(await this.#read()).toMatchObject({ state: this.#state });
  }

  /** Whoever held it has lost it, and nobody has it. */
  #fenceOff(): void {
    this.#tokens.unshift({ tenant, runId: this.#order.runId, fence: (this.#tokens[0]?.fence ?? 0) + 0.5 });
  }

  async #with(held: RunToken, given: HolderAct): Promise<boolean> {
    const at = 2 * this.#bytes();
    const store = this.#store;
    switch (given.do) {
      case 'start':
        return ['ok', 'cancelled'].includes(await store.startRun(held));
      case 'release':
      case 'retry':
        return this.#give(held, given, at);
      case 'expire':
        return first(await store.renewLeases([held], -1)).held;
      case 'append':
        return this.#append(held, given.text, given.late ? at + 1 : at);
      case 'finish':
        return this.#finish(held, given, at);
    }
  }

  /** Lets go of it. The second time does nothing, whatever it answers. */
  async #give(held: RunToken, { do: how, text }: { do: 'release' | 'retry'; text: string }, at: number) {
    const rest = { at, chunks: [stdout(text), stderr(text)] };
    const outcome =
      how === 'release'
        ? await this.#store.releaseRun(held, rest)
        : await this.#store.retryRun(held, { error, delayMs: 1_000, rest });
    const acted = (outcome === 'ok' || outcome === 'cancelled') && !this.#letGo.has(held) && !isFinal(this.#state);
    if (!acted) return false;
    this.#letGo.add(held);
    this.#output += text;
    if (how === 'retry' && outcome === 'ok') this.#attemptEnds.push(this.#bytes());
    return true;
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

  #bytes(): number {
    return Buffer.byteLength(this.#output);
  }

  async #read(): Promise<RunRecord> {
    return first(await this.#store.getRuns(tenant, this.#order.task.id));
  }
}

/** Several workers do anything, in any order. */
export function randomConformance(suite: Suite): void {
  describe('whatever workers do to a run', () => {
    it('moves legally, by the newest fence alone, and keeps what its holders wrote', async () => {
      await assert(
        asyncProperty(array(act, { minLength: 5, maxLength: 30 }), async (acts) => {
          const task = newTask({ tenant, ...late() });
          await suite.store().acceptTask(task);
          const trial = new Trial(suite.store(), first(task.orders));
          for (const step of acts) await trial.act(step);
          await trial.end();
        }),
        { numRuns: 200 },
      );
    });
  });
}
