import { createHash } from 'node:crypto';
import { badWhen, meant } from './bad-schedule.ts';

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** In the order of their numbers, from `min` on (days of the week from 0). */
  readonly words?: readonly string[];
  /** `H` spreads up to here: every month has so many days. */
  readonly spreadMax?: number;
}

const fields: readonly Field[] = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31, spreadMax: 28 },
  {
    ...{ name: 'month', min: 1, max: 12 },
    words: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  {
    ...{ name: 'day of the week', min: 0, max: 7, spreadMax: 6 },
    words: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
  },
];

/** A part of a field, and where it stands. */
interface Item {
  readonly text: string;
  /** From 1. */
  readonly column: number;
  readonly field: Field;
  /** Two schedules with one pattern spread apart; two fields of one schedule as well. */
  readonly seed: string;
}

/** Six fields with every `H` turned into numbers of this schedule, for croner. @throws MOLT_BAD_SCHEDULE with the column of what is wrong */
export function cronFields(id: string, text: string): readonly string[] {
  const found = [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: match.index + 1 }));
  if (found.length < 5 || found.length > 6) {
    const order = 'minute hour day-of-month month day-of-week, with seconds before them for six';
    throw badWhen(`a cron pattern has 5 or 6 fields (${order}); this has ${found.length}`);
  }
  const used = fields.slice(6 - found.length);
  const texts = found.map((part, index) =>
    fieldText(part, used[index] ?? fields[0], `${id}#${index + 6 - found.length}`),
  );
  return found.length === 5 ? ['0', ...texts] : texts;
}

function fieldText(part: { text: string; column: number }, field: Field | undefined, seed: string): string {
  if (!field) return part.text;
  let column = part.column;
  const items = part.text.split(',').map((text) => {
    const item = { text, column, field, seed };
    column += text.length + 1;
    return itemText(item);
  });
  return items.join(',');
}

function itemText(item: Item): string {
  const text = item.text.toUpperCase();
  const { field } = item;
  if (text === '') throw wrong(item, 'there is nothing between two commas');
  if (text === '*' || text === '?') return text;
  if (text.startsWith('H')) return spread(item, text);
  if (field.name === 'day of the month' && /^(?:L|LW|\d+W)$/.test(text)) {
    if (/^\d/.test(text)) numberOf(item, text.slice(0, -1));
    return text;
  }
  const nth = field.name === 'day of the week' ? /^(\w+?)(#[1-5L]|L)$/.exec(text) : null;
  if (nth) return `${numberOf(item, nth[1] ?? '')}${nth[2]}`;
  return rangeText(item, text);
}

/** `5`, `1-5`, any of them with a step, names for numbers. */
function rangeText(item: Item, text: string): string {
  const { field } = item;
  const [range = '', step, ...rest] = text.split('/');
  if (rest.length > 0) throw wrong(item, 'has more than one step');
  const steps = step === undefined ? '' : `/${stepOf(item, step)}`;
  if (range === '*' || range === '?') return `*${steps}`;
  const [from = '', to, ...more] = range.split('-');
  if (more.length > 0) throw wrong(item, 'is no range: write one such as 1-5');
  const low = numberOf(item, from);
  // A number with a step goes on from there.
  if (to === undefined)
    return steps === '' ? String(low) : `${low}-${field.name === 'day of the week' ? 6 : field.max}${steps}`;
  const high = numberOf(item, to);
  if (low > high) {
    const split = `${low}-${field.name === 'day of the week' ? 6 : field.max},${field.min}-${high}`;
    throw wrong(item, `begins after its end; write ${split}`);
  }
  return `${low}-${high}${steps}`;
}

function numberOf(item: Item, text: string): number {
  const { field } = item;
  const word = field.words?.indexOf(text) ?? -1;
  if (word !== -1) return word + field.min;
  if (!/^\d+$/.test(text)) {
    const hint = field.words ? meant(text, field.words) : '';
    throw badWhen(`column ${item.column}: "${item.text}" is no ${field.name}${hint}`);
  }
  const number = Number(text);
  if (number < field.min || number > field.max)
    throw wrong(item, `is out of range for the ${field.name}: ${field.min} to ${field.max}`);
  return number;
}

function stepOf(item: Item, text: string): number {
  const step = /^\d+$/.test(text) ? Number(text) : 0;
  const { min, max } = item.field;
  if (step < 1 || step > max - min + 1)
    throw wrong(item, `has the step "${text}": write one from 1 to ${max - min + 1}`);
  return step;
}

/** `H`, `H/15`, `H(0-29)`, `H(0-29)/10`, as Jenkins has them: somewhere, and always there for this schedule. */
function spread(item: Item, text: string): string {
  const { field, seed } = item;
  const [, from, to, step] = /^H(?:\((\d+)-(\d+)\))?(?:\/(\d+))?$/.exec(text) ?? [];
  if (!/^H(?:\(\d+-\d+\))?(?:\/\d+)?$/.test(text))
    throw wrong(item, 'is no spread: write H, H/15, H(0-29) or H(0-29)/10');
  const low = from === undefined ? field.min : numberOf(item, from);
  const high = to === undefined ? (field.spreadMax ?? field.max) : numberOf(item, to);
  if (low > high) throw wrong(item, 'begins after its end');
  const hash = createHash('sha256').update(seed).digest().readUInt32BE(0);
  if (step === undefined) return String(low + (hash % (high - low + 1)));
  const every = stepOf(item, step);
  const start = low + (hash % Math.min(every, high - low + 1));
  return `${start}-${high}/${every}`;
}

const wrong = ({ column, text }: Item, why: string) => badWhen(`column ${column}: "${text}" ${why}`);
