import { createHash } from 'node:crypto';
import { type DeadDelivery, queueText, type Subscription } from '@moltbot/bus';
import { backoffMs, type Envelope, envelope, hasCode, type Service, TenantId } from '@moltbot/shared';
import type { DeadLetter } from '@moltbot/store';
import type { DeadLetterDeps } from './dead-letters-port.ts';
import { publishLetter } from './dead-letters-publish.ts';
import { type DeadRun, endRun, isInnocent } from './dead-letters-run.ts';
import { orderOf, queueOfLetter, resubmittedReason } from './dead-letters-view.ts';
import { queueOf } from './publish-orders.ts';

const prefetch = 10;
/** How long one letter is tried before the bus has it back for a while, ms: a delivery must stay short. */
const patienceMs = 600_000;

/** Takes what died off the bus: the runs get their end, and what people should see is kept in the store. */
export function createDeadLetterKeeper(deps: DeadLetterDeps): Service {
  const { bus, clock, log } = deps;
  const stopping = new AbortController();
  const inHand = new Set<Promise<void>>();
  let subscription: Subscription | undefined;

  /** Nothing is settled before all of it is done: with the store or the bus down it tries on. */
  const keep = async (delivery: DeadDelivery): Promise<void> => {
    const began = clock.monotonic();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await keepOnce(deps, delivery, stopping.signal);
        await delivery.ack();
        return;
      } catch (err) {
        if (stopping.signal.aborted) return void (await delivery.requeue());
        if (!isPassing(err) || clock.monotonic() - began > patienceMs) throw err;
        if (attempt === 1) log.warn({ err, letter: delivery.id }, 'a dead letter cannot be kept yet; trying again');
        await clock.sleep(backoffMs(attempt), stopping.signal).catch(() => {});
      }
    }
  };

  const end = async (): Promise<void> => {
    stopping.abort();
    await subscription?.cancel();
    await Promise.allSettled([...inHand]);
  };
  return {
    name: 'dead-letter-keeper',
    async start() {
      subscription = await bus.consumeDead({ prefetch }, (delivery) => {
        const work = keep(delivery);
        inHand.add(work);
        return work.finally(() => inHand.delete(work));
      });
    },
    quiesce: end,
    stop: end,
    health: () => ({ ok: true }),
  };
}

const isPassing = (err: unknown): boolean =>
  hasCode(err, 'MOLT_STORE_DOWN') || hasCode(err, 'MOLT_BUS_DOWN') || hasCode(err, 'MOLT_BUS_FULL');

async function keepOnce(deps: DeadLetterDeps, delivery: DeadDelivery, signal: AbortSignal): Promise<void> {
  const { message } = delivery;
  const letter = await letterOf(deps, delivery);
  const order = message && orderOf(message);
  if (message && order) return keepRun(deps, message, { order, letter, publishedAt: message.at, signal });
  await put(deps, letter);
}

async function keepRun(deps: DeadLetterDeps, message: Envelope, run: DeadRun): Promise<void> {
  const { letter, order } = run;
  if ((await isInnocent(deps, run)) && (await passOn(deps, letter, message))) return;
  const fate = await endRun(deps, run);
  if (fate === 'keep') return put(deps, letter);
  if (fate === 'with a worker') {
    const watch = envelope('watch', { ...message, body: order });
    await publishLetter(deps.bus, watch, { queue: queueOf(order), delay: '2m' });
  }
  deps.log.warn({ ...said(letter), fate }, 'the message of a run died; the run goes on without it');
}

async function put({ store, log }: DeadLetterDeps, letter: DeadLetter): Promise<void> {
  await store.putDeadLetter(letter);
  log.error(said(letter), 'a dead letter is kept');
}

const said = ({ id, tenant, reason, queue, kind }: DeadLetter): object => ({ letter: id, tenant, reason, queue, kind });

/** First published, then counted: a bus or a store that is down must not use the tries up. */
async function passOn({ bus, store, log }: DeadLetterDeps, letter: DeadLetter, message: Envelope): Promise<boolean> {
  try {
    await publishLetter(bus, message, { queue: queueOfLetter(letter) });
  } catch (err) {
    if (hasCode(err, 'MOLT_NO_EXECUTOR')) return false;
    throw err;
  }
  const resubmitted = letter.resubmitted + 1;
  await store.putDeadLetter({ ...letter, reason: resubmittedReason, resubmitted });
  log.warn({ ...said(letter), resubmitted }, 'a run that only waited is published again');
  return true;
}

async function letterOf({ store, tenants, clock }: DeadLetterDeps, delivery: DeadDelivery): Promise<DeadLetter> {
  const { bytes, reason, queue, message } = delivery;
  const id = letterIdOf(delivery.id);
  const tenant =
    message?.tenant ??
    (queue?.kind === 'runs' ? queue.tenant : undefined) ??
    tenantIn(bytes) ??
    tenants[0] ??
    'default';
  const before = await store.getDeadLetter(tenant, id);
  return {
    ...{ id, tenant, diedAt: clock.now(), reason, bytes, resubmitted: before?.resubmitted ?? 0 },
    ...(queue && { queue: queueText(queue) }),
    ...(message && { kind: message.kind }),
  };
}

/** Our ids are short and plain; a stranger's may be anything, and must fit in a path. */
const letterIdOf = (id: string): string =>
  /^[\w.:-]{1,90}$/.test(id) ? id : createHash('sha256').update(id).digest('hex');

/** What a message that cannot be decoded says of its tenant. */
function tenantIn(bytes: Buffer): string | undefined {
  try {
    const said: unknown = JSON.parse(bytes.toString());
    return typeof said === 'object' && said !== null && 'tenant' in said
      ? TenantId.safeParse(said.tenant).data
      : undefined;
  } catch {
    return undefined;
  }
}
