import type { JsonValue } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { compileAlerts } from '../src/index.ts';

const result: JsonValue = {
  ...{ cpu: { count: 2, usedPercent: 12.5 }, load: { one: 3.5, perCpu: 1.75 }, warnings: [] },
  disks: [
    { mount: '/', usedPercent: 91 },
    { mount: '/srv', usedPercent: 40.5 },
  ],
};
const alertsOf = (condition: string) =>
  compileAlerts([{ if: condition, title: 't', severity: 'warning', labels: { team: 'ops' } }]);
const isMet = (condition: string): boolean | undefined =>
  alertsOf(condition)[0]?.isMet({ result, target: 'web-1', labels: { team: 'ops' } });

test.each([
  ['result.disks.exists(d, d.usedPercent > 90)', true],
  ['result.disks.exists(d, d.usedPercent > 91)', false],
  ['result.disks.all(d, d.usedPercent < 99.5)', true],
  ['result.disks.filter(d, d.mount == "/srv")[0].usedPercent > 40', true],
  ['result.load.one > 2.0 * result.cpu.count', false],
  ['result.load.one > 1.5 * result.cpu.count', true],
  ['target.startsWith("web-") && labels.team == "ops"', true],
  ['has(result.swap) && result.swap.usedPercent > 50', false],
  ['size(result.warnings) > 0', false],
])('%s is %s', (condition, expected) => {
  expect(isMet(condition)).toBe(expected);
});

test.each([
  ['result.disks.exists(d, d.usedPercent >', '/alerts/0/if'],
  ['reslut.load.one > 1', 'reslut'],
  ['target + "x"', 'it is a string, and not true or false'],
  ['size(target)', 'it is a int, and not true or false'],
])('%s is refused', (condition, said) => {
  expect(() => alertsOf(condition)).toThrow(expect.objectContaining({ code: 'MOLT_BAD_SCHEDULE' }));
  try {
    alertsOf(condition);
  } catch (error) {
    expect(`${(error as Error).message} ${JSON.stringify((error as { places?: unknown }).places)}`).toContain(said);
  }
});

test('what a result does not have, or is neither, is an error of its own', () => {
  expect(() => isMet('result.nothing > 1')).toThrow(expect.objectContaining({ code: 'MOLT_BAD_SCHEDULE' }));
  expect(() => isMet('result.load.one')).toThrow(expect.objectContaining({ code: 'MOLT_BAD_SCHEDULE' }));
});
