/** Seconds, or milliseconds; or as Go prints times: `2026-01-02 03:04:05.678 +0800 CST m=+0.9`. @returns epoch ms */
export function sentAt(timestamp: string): number | undefined {
  if (/^\d{1,10}$/.test(timestamp)) return Number(timestamp) * 1_000;
  if (/^\d{11,16}$/.test(timestamp)) return Number(timestamp.slice(0, 13));
  const [, day, time, zone] = goTime.exec(timestamp) ?? [];
  if (day === undefined || time === undefined || zone === undefined) return undefined;
  const at = Date.parse(`${day}T${time}${zone.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')}`);
  return Number.isNaN(at) ? undefined : at;
}

const goTime = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d*\s*(Z|[+-]\d\d:?\d\d)/;
