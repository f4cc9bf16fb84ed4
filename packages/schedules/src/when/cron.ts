import { Cron } from 'croner';
import { badWhen, meant } from './bad-schedule.ts';
import type { CivilPattern } from './civil.ts';
import { cronFields } from './cron-fields.ts';

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Most schedules of an installation share a handful of patterns; those nobody uses any more may go. */
const patterns = new Map<string, WeakRef<CivilPattern>>();

/**
 * A cron pattern of 5 or 6 fields, or a nickname. Days of the month and of the week that are both restricted are joined by or, as
 * crontab(5) has it.
 * @param id what `H` follows from @throws MOLT_BAD_SCHEDULE
 */
export function cronPattern(id: string, text: string): CivilPattern {
  const resolved = cronFields(id, text.startsWith('@') ? nicknameText(text) : text).join(' ');
  const known = patterns.get(resolved)?.deref();
  if (known) return known;
  const pattern = compile(resolved);
  patterns.set(resolved, new WeakRef(pattern));
  return pattern;
}

function nicknameText(text: string): string {
  const pattern = nicknames[text.toLowerCase()];
  if (pattern === undefined) throw badWhen(`column 1: there is no "${text}"${meant(text, Object.keys(nicknames))}`);
  return pattern;
}

function compile(resolved: string): CivilPattern {
  const cron = create(resolved);
  const [, , hours = ''] = resolved.split(' ');
  return {
    // In UTC, so that no change of clocks of its own comes into it.
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    followsElapsedTime: hours === '*' || hours === '?',
    comes: cron.nextRun(new Date(0)) !== null,
  };
}

function create(resolved: string): Cron {
  try {
    return new Cron(resolved, { utcOffset: 0, mode: '6-part', paused: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^CronPattern: /, '') : String(cause);
    throw badWhen(why);
  }
}
