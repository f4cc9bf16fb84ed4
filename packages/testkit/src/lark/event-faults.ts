import type { Envelope } from './webhook.ts';

/** What goes wrong with events, on command. */
export interface EventFaults {
  /** How often the next events of a type are sent: 0 loses them. */
  setCopies(type: string, fault: { readonly copies: number; readonly times: number }): void;
  takeCopies(type: string): number;
  /** Whether an event that is sent again has another id. */
  renewsIds: boolean;
  /** How requests to webhooks are written. */
  envelope(): Envelope;
  setOddTimestamps(odd: boolean): void;
  setSpaced(spaced: boolean): void;
  clear(): void;
}

export function createEventFaults(): EventFaults {
  const copies = new Map<string, { readonly copies: number; times: number }>();
  let odd = false;
  let spaced = false;
  const faults: EventFaults = {
    setCopies: (type, fault) => void copies.set(type, { ...fault }),
    takeCopies(type) {
      const fault = copies.get(type);
      if (!fault) return 1;
      fault.times -= 1;
      if (fault.times <= 0) copies.delete(type);
      return fault.copies;
    },
    renewsIds: false,
    envelope: () => ({ spaced, ...(odd ? { timestamp: goTime(new Date()) } : {}) }),
    setOddTimestamps(next) {
      odd = next;
    },
    setSpaced(next) {
      spaced = next;
    },
    clear() {
      copies.clear();
      odd = false;
      spaced = false;
      faults.renewsIds = false;
    },
  };
  return faults;
}

/** As the platform was seen to write it for cards' callbacks: the text form of a time in Go. */
function goTime(at: Date): string {
  const inShanghai = new Date(at.getTime() + 8 * 3_600_000).toISOString();
  return `${inShanghai.replace('T', ' ').replace('Z', '000000')} +0800 CST m=+86400.000000001`;
}
