import { isMoltError, MoltError, type SshTarget } from '@moltbot/shared';
import type { FailureKind } from './breaker.ts';
import { HandshakeError } from './engine.ts';

/** What a failed try to connect means. `kind` is absent when it says nothing about the host: a wrong identity of ours, a cancel. */
export interface ConnectFailure {
  readonly error: MoltError;
  readonly kind: FailureKind | undefined;
}

const unresolved = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME', 'EAI_FAIL']);

/**
 * Did the host hang up before it let us in as far as to show who we are? An sshd beyond MaxStartups does;
 * a later try may well succeed.
 */
export const wasDropped = (error: unknown): boolean => {
  if (!(error instanceof HandshakeError) || error.phase !== 'handshake') return false;
  const cause = error.cause as (Error & { code?: unknown; level?: unknown }) | undefined;
  return cause === undefined || cause.code === 'ECONNRESET' || cause.code === 'EPIPE' || cause.level === 'protocol';
};

/** Whatever a try to connect threw, under its code. */
export function explainConnectFailure(thrown: unknown, target: SshTarget): ConnectFailure {
  if (isMoltError(thrown)) return explainOwn(thrown, target);
  const place = `${target.host}:${target.port}`;
  if (!(thrown instanceof HandshakeError)) return { error: unreachable(place, thrown), kind: undefined };
  const cause = thrown.cause as (Error & { code?: unknown; level?: unknown }) | undefined;
  const code = typeof cause?.code === 'string' ? cause.code : '';
  if (unresolved.has(code)) {
    const error = new MoltError('MOLT_SSH_UNKNOWN_HOST', `the name "${target.host}" cannot be resolved (${code})`, {
      cause,
    });
    return { error, kind: 'network' };
  }
  if (code === 'ETIMEDOUT') return { error: timedOut(target, thrown), kind: 'network' };
  if (cause?.level === 'client-authentication' || isKickedOut(thrown.phase, cause)) {
    return { error: refusedKey(target, thrown), kind: 'refusal' };
  }
  if (/no matching host key format/i.test(thrown.message))
    return { error: otherKeyType(place, thrown), kind: 'refusal' };
  return { error: unreachable(place, thrown), kind: 'network' };
}

/** The server ends a log-in with a DISCONNECT, whose reason is a number: "Too many authentication failures". */
const isKickedOut = (phase: string, cause: { readonly code?: unknown } | undefined): boolean =>
  phase === 'authentication' && typeof cause?.code === 'number';

function explainOwn(error: MoltError, target: SshTarget): ConnectFailure {
  switch (error.code) {
    case 'MOLT_DEADLINE':
      return { error: timedOut(target, error), kind: 'network' };
    case 'MOLT_SSH_HOST_KEY_UNKNOWN':
    case 'MOLT_SSH_HOST_KEY_CHANGED':
      return { error, kind: 'refusal' };
    case 'MOLT_SSH_IDENTITY':
      return {
        error: new MoltError(error.code, `the identity "${target.identity}": ${error.message}`, { cause: error }),
        kind: undefined,
      };
    default:
      return { error, kind: undefined };
  }
}

export const timedOut = ({ host, port }: SshTarget, cause: Error): MoltError =>
  new MoltError('MOLT_SSH_TIMEOUT', `${host}:${port} did not let us in in time`, { cause });

const unreachable = (place: string, cause: unknown): MoltError =>
  new MoltError('MOLT_SSH_UNREACHABLE', `${place}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });

const refusedKey = ({ host, port, user, identity }: SshTarget, cause: Error): MoltError =>
  new MoltError('MOLT_SSH_REFUSED_KEY', `${host}:${port} refused the user "${user}" with the identity "${identity}"`, {
    cause,
  });

const otherKeyType = (place: string, cause: Error): MoltError =>
  new MoltError('MOLT_SSH_HOST_KEY_CHANGED', `${place} has no host key of the types that are on file for it`, {
    cause,
  });
