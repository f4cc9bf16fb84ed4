import { MoltError } from '@moltbot/shared';
import type { RecordName } from './records-port.ts';

/** 256 KiB. */
const maxValueBytes = 262_144;

/** The stores tell kinds from ids by what a kind cannot hold. */
const kindForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** @throws MOLT_BAD_REQUEST for a kind that is no word, or a value that is too large */
export function checkRecord({ kind, id }: RecordName, value: string): void {
  if (!kindForm.test(kind)) {
    throw new MoltError('MOLT_BAD_REQUEST', `a record cannot be of the kind ${JSON.stringify(kind)}`, {
      places: [{ path: '/kind', message: 'use at most 64 letters, digits, dots, hyphens and underscores' }],
    });
  }
  const bytes = Buffer.byteLength(value);
  if (bytes > maxValueBytes) {
    throw new MoltError('MOLT_BAD_REQUEST', `record ${id} of ${kind} would have ${bytes} bytes`, {
      places: [{ path: '/value', message: `a record holds at most ${maxValueBytes} bytes` }],
    });
  }
}
