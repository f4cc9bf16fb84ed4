import { type ErrorCode, errorCatalog } from '@moltbot/shared';
import type { ErrorWords } from './error-words.ts';

export const englishErrorOf = (code: ErrorCode): ErrorWords => englishErrors[code] ?? errorCatalog[code];

/** In English the catalog's own words serve, but where its remedy speaks of HTTP. */
const englishErrors: Readonly<Partial<Record<ErrorCode, ErrorWords>>> = {
  MOLT_UNKNOWN_ACTION: says('MOLT_UNKNOWN_ACTION', 'Send actions to see which there are.'),
  MOLT_BAD_ARGUMENTS: says('MOLT_BAD_ARGUMENTS', 'Send help and the name of the action to see its arguments.'),
  MOLT_BAD_REQUEST: says('MOLT_BAD_REQUEST', 'Correct what the message names; help shows how commands are written.'),
  MOLT_NO_TARGETS: says('MOLT_NO_TARGETS', 'Send targets to see which there are, with their labels.'),
  MOLT_TOO_MANY_TARGETS: says('MOLT_TOO_MANY_TARGETS', 'Narrow the selector, or have limits.targetsPerTask raised.'),
  MOLT_NOT_FOUND: says('MOLT_NOT_FOUND', 'Check the id; tasks lists the newest tasks.'),
  MOLT_RATE_LIMITED: says('MOLT_RATE_LIMITED', 'Wait a little, then send it again.'),
  MOLT_IDEMPOTENCY_CONFLICT: says('MOLT_IDEMPOTENCY_CONFLICT', 'Send the command again as a new message.'),
  MOLT_TASK_FINAL: says('MOLT_TASK_FINAL', 'It cannot be changed any more; rerun makes a new task of it.'),
  MOLT_BUS_DOWN: says('MOLT_BUS_DOWN', 'Nothing of it runs. Send it again in a minute.'),
  MOLT_BUS_FULL: says('MOLT_BUS_FULL', 'Nothing of it runs. Send it again later, or have more executors started.'),
  MOLT_STORE_DOWN: says('MOLT_STORE_DOWN', 'Send it again in a minute.'),
};

function says(code: ErrorCode, remedy: string): ErrorWords {
  return { title: errorCatalog[code].title, remedy };
}
