import type { Delivery } from '@moltbot/bus';
import { type Clock, isKind, type Logger, watchOf } from '@moltbot/shared';
import type { ActiveRun, ActiveRuns, Arrival } from './active-runs.ts';
import type { FairSlots } from './fair-slots.ts';
import { watchInstead } from './watch-keeper.ts';

/**
 * A message that merely waited here while workers died counts their deaths as its own: past this many returns it takes a lap
 * through the ladder, which starts its count anew, long before the broker's limit would take it for poison.
 */
const returnsAtMost = 10;

export interface TakeDeps {
  readonly line: string;
  readonly slots: FairSlots;
  readonly runs: ActiveRuns;
  readonly clock: Clock;
  readonly watchAfterMs: number;
  readonly log: Logger;
  readonly run: (arrival: Arrival) => Promise<void>;
}

/** A message of a queue of runs: to the run that it belongs to, where that is here, else to a slot. */
export function takeDelivery(delivery: Delivery, deps: TakeDeps): void {
  const { runs, slots, clock, log } = deps;
  const { message } = delivery;
  if (!isKind(message, 'run') && !isKind(message, 'watch')) {
    void delivery.dead(`a ${message.kind} message does not belong in a queue of runs`);
    return;
  }
  const running = runs.get(message.body.runId);
  if (running) {
    giveToRunning(running, delivery, deps);
    return;
  }
  const arrival = { delivery, message, at: clock.monotonic() };
  if (delivery.previousDeliveries >= returnsAtMost) {
    putOff(arrival);
    return;
  }
  slots.offer(deps.line, {
    since: arrival.at,
    run: () =>
      deps.run(arrival).catch(async (err: unknown) => {
        log.error({ err, run: message.body.runId }, 'a run could not be brought to its end here; it is given back');
        await delivery.requeue();
      }),
    giveBack: () => void delivery.requeue(),
    putOff: () => putOff(arrival),
  });
}

/** A lap through the ladder. The copy is new to the broker: that this one came back must not be forgotten with it. */
const putOff = ({ delivery, message }: Arrival): void =>
  void (delivery.redelivered ? delivery.delay('5s', watchOf(message)) : delivery.delay('5s'));

/** The link broke while we ran it, or it was published twice, or its watch message came round. */
function giveToRunning(running: ActiveRun, delivery: Delivery, { clock, watchAfterMs }: TakeDeps): void {
  if (running.isWatched || clock.monotonic() - running.since >= watchAfterMs) {
    void watchInstead(running, delivery);
    return;
  }
  // The run goes on under the new delivery.
  const { delivery: former } = running;
  running.delivery = delivery;
  // Too late for a delivery of a broken link; else this was one copy of two.
  void former.ack();
}
