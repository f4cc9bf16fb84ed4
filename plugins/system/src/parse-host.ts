import type { Sections } from './sections.ts';
import type { Host, Load } from './status.ts';
import { cleanName, round, words } from './values.ts';

export function parseHost(sections: Sections): Host {
  const [kernelName, name, release, machine] = words(sections.lines('host')[0] ?? '').map(cleanName);
  const kernel = [kernelName, release].filter(Boolean).join(' ');
  return {
    name: name || undefined,
    os: parseOs(sections.lines('os')) ?? (kernel || undefined),
    kernel: kernel || undefined,
    machine: machine || undefined,
    uptimeSeconds: parseUptime(sections.lines('uptime')),
  };
}

/** os-release(5), or what `sw_vers` of macOS prints. */
function parseOs(lines: readonly string[]): string | undefined {
  const value = (name: string): string | undefined => {
    const line = lines.find((each) => each.startsWith(name));
    return line && cleanName(unquote(line.slice(name.length).trim()));
  };
  const pretty = value('PRETTY_NAME=') ?? value('NAME=');
  const product = [value('ProductName:'), value('ProductVersion:')].filter(Boolean).join(' ');
  return product || pretty || undefined;
}

function unquote(text: string): string {
  const [, inner] = /^"(.*)"$/.exec(text) ?? /^'(.*)'$/.exec(text) ?? [];
  return inner === undefined ? text : inner.replaceAll(/\\(["$`\\])/g, '$1');
}

const restOf = (lines: readonly string[], name: string): string =>
  lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1, 300) ?? '';

function parseUptime(lines: readonly string[]): number | undefined {
  const [, up] = /^(\d{1,15}(?:\.\d{1,9})?)/.exec(restOf(lines, 'up')) ?? [];
  if (up !== undefined) return Math.floor(Number(up));
  const [, boot] = /\bsec = (\d{1,15})/.exec(restOf(lines, 'boot')) ?? [];
  const [, now] = /^(\d{1,15})$/.exec(restOf(lines, 'now')) ?? [];
  if (boot !== undefined && now !== undefined && Number(now) >= Number(boot)) return Number(now) - Number(boot);
  return parseUptimeText(restOf(lines, 'text'));
}

const unitSeconds: Readonly<Record<string, number>> = { sec: 1, min: 60, hr: 3_600, hour: 3_600 };

/** `uptime`: ` 9:12AM  up 3 days, 4:05, 2 users, …`, or `up 12 mins,`. */
function parseUptimeText(text: string): number | undefined {
  const [, after] = / up (.*)/.exec(text) ?? [];
  if (after === undefined) return undefined;
  const [, days = '0', rest = ''] = /^\s*(?:(\d{1,6}) days?,?)?(.*)$/.exec(after) ?? [];
  const [, hours, minutes] = /^\s*(\d{1,2}):(\d{2})\b/.exec(rest) ?? [];
  const [, amount, unit = ''] = /^\s*(\d{1,4}) (sec|min|hr|hour)/.exec(rest) ?? [];
  if (days === '0' && hours === undefined && amount === undefined) return undefined;
  const clock = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60;
  return Number(days) * 86_400 + clock + Number(amount ?? 0) * (unitSeconds[unit] ?? 0);
}

/** @param cpus how many there are, where it is known */
export function parseLoad(sections: Sections, cpus: number | undefined): Load | undefined {
  const own = averages(sections.lines('load')[0] ?? '');
  const [, text = ''] = /load averages?:(.*)$/.exec(restOf(sections.lines('uptime'), 'text')) ?? [];
  const [one, five, fifteen] = own.length >= 3 ? own : averages(text);
  if (one === undefined || five === undefined || fifteen === undefined) return undefined;
  return { one, five, fifteen, perCpu: cpus ? round(one / cpus, 2) : undefined };
}

const averages = (text: string): readonly number[] =>
  (text.slice(0, 300).match(/\d{1,9}\.\d{1,9}/g) ?? []).map((each) => round(Number(each), 2));
