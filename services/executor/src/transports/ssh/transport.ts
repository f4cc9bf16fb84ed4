import type { Transport } from '@moltbot/plugin-sdk';
import {
  type Clock,
  type GuardConfig,
  type Logger,
  MoltError,
  type Registry,
  type SshConfig,
  type SshTarget,
  systemClock,
  type Target,
} from '@moltbot/shared';
import { createInFlight } from '../in-flight.ts';
import { createHostKeys } from './host-keys.ts';
import { createLink, type Link } from './link.ts';
import { runCommand, usesNoShell } from './run-command.ts';
import { createSlots, type Slots } from './slots.ts';
import { createSshMetrics } from './ssh-metrics.ts';

export interface SshTransportDeps {
  readonly ssh: SshConfig;
  readonly guard: GuardConfig;
  readonly log: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: nothing is counted. */
  readonly registry?: Registry;
  /** Between TERM and KILL of a command that is to end, ms. Default 2000. */
  readonly killGraceMs?: number;
  /** Until it must be known whether a command that is to end is gone, ms. Default 10000. */
  readonly killVerdictMs?: number;
}

/**
 * Runs commands over SSH with `-c` of the user's shell where that is a POSIX shell, else of `/bin/sh`.
 * Every (host, port, user, identity) has one connection that its commands share, `channelsPerConnection` at a time, in the
 * order they came; it is opened on demand and closed after `idleCloseMs` without a command. On it live shells that stay, and
 * take one command after the other.
 * A host that runs no shell of ours (a forced command, a restricted login shell), and a target with `guard: off`, where that is
 * not even tried, takes each plain command in a session of its own, as the login shell runs it; that must be a POSIX shell then.
 *
 * `exec` resolves with exit code or signal when the command has exited and its output has come. A child left in the
 * background does not keep it running, but in a session of its own it does while it holds the streams open, as with ssh(1).
 * After an abort it ends the whole process group (TERM, KILL after the grace) and resolves a second after `killVerdictMs` at the latest;
 * of a guarded command that cannot be reached by then it rejects with MOLT_SSH_LOST.
 * A guarded command that was let go stays alive when the transport stops.
 * @throws before the start: what `Link.acquire` throws, MOLT_BAD_ARGUMENTS, MOLT_TRANSPORT, MOLT_SHUTTING_DOWN, the reason of
 * the signal. After it: MOLT_SSH_LOST when the connection broke and the end is not known; MOLT_ACTION_FAILED when the
 * directory cannot be entered; what `onOutput` rejected with; and what `Link.acquire` throws when the host took the command
 * not even then: it has never run.
 * An order to resume or attach that finds no shell of ours rejects with MOLT_SSH_LOST too: nothing new is known.
 */
export function createSshTransport(deps: SshTransportDeps): Transport {
  const { ssh, guard, log, clock = systemClock, killGraceMs = 2_000, killVerdictMs = 10_000 } = deps;
  const inFlight = createInFlight('the SSH transport', log);
  const links = new Map<string, LinkInUse>();
  const starts = new Map<string, Slots>();
  const hostKeys = createHostKeys({ ssh, log });
  const openConnections = (): number => [...links.values()].filter(({ link }) => link.isConnected()).length;
  const metrics = createSshMetrics(deps.registry, openConnections);

  const linkTo = (target: SshTarget): LinkInUse => {
    const { host, port } = target;
    const key = keyOf(target);
    const known = links.get(key);
    if (known) return known;
    forgetUnused(links, starts);
    const place = JSON.stringify([host, port]);
    const gate = starts.get(place) ?? createSlots(ssh.startsPerHost);
    starts.set(place, gate);
    const made = { link: createLink({ target, ssh, guard, hostKeys, starts: gate, clock, log, metrics }), users: 0 };
    links.set(key, made);
    return made;
  };

  return {
    name: 'ssh-transport',
    transport: 'ssh',
    start: async () => inFlight.open(),
    quiesce: (force) => inFlight.quiesce(force),
    async stop() {
      inFlight.abort();
      await inFlight.settled();
      await Promise.all([...links.values()].map(({ link }) => link.close()));
      links.clear();
      starts.clear();
    },
    health: () => inFlight.health(),
    isReady(target) {
      const link = target.transport === 'ssh' ? links.get(keyOf(target))?.link : undefined;
      return link?.isReady(target.transport === 'ssh' && usesNoShell(target) ? 'none' : 'resident') ?? false;
    },
    forget(target, guard) {
      if (target.transport === 'ssh') links.get(keyOf(target))?.link.forget(guard);
    },
    exec: (run) =>
      inFlight.track(run, async (signal) => {
        const target = sshTarget(run.target);
        const kill = { graceMs: killGraceMs, verdictMs: killVerdictMs };
        const used = linkTo(target);
        used.users++;
        try {
          const result = await runCommand({ link: used.link, target, run: { ...run, signal }, kill, clock });
          if (result.killed) metrics.killed(result.killed);
          return result;
        } finally {
          used.users--;
        }
      }),
  };
}

/** Shells are not the same with and without a scope. */
const keyOf = ({ host, port, user, identity, hostKey = '', guard }: SshTarget): string =>
  JSON.stringify([host, port, user, identity, hostKey, guard === 'systemd']);

interface LinkInUse {
  readonly link: Link;
  /** Commands that hold it. */
  users: number;
}

/** Targets come and go; what nobody uses and nothing is remembered of is dropped when a new one comes. */
function forgetUnused(links: Map<string, LinkInUse>, starts: Map<string, Slots>): void {
  for (const [key, { link, users }] of links) if (users === 0 && link.isForgettable()) links.delete(key);
  for (const [key, gate] of starts) if (gate.inUse() === 0) starts.delete(key);
}

function sshTarget(target: Target): SshTarget {
  if (target.transport === 'ssh') return target;
  throw new MoltError('MOLT_TRANSPORT', `"${target.name}" is reached by ${target.transport}, not by ssh`);
}
