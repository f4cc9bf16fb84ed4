/** What clocks show in an IANA zone at an instant (epoch ms): `2026-07-01 08:00:00 CEST`. */
export const localTime = (at: number, timezone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'long' }).format(at);
