import { hasCode } from '@moltbot/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatCommand } from '../src/grammar/command.ts';
import { commandFromOptions } from '../src/grammar/command-from-options.ts';
import { formatCommand } from '../src/grammar/format-command.ts';
import { parseCommand } from '../src/grammar/parse-command.ts';
import { alias, contextWith, refusal } from './grammar-lab.ts';

const context = contextWith();

/** What is typed by somebody who knows the grammar a little, and by somebody who does not. */
const pieces = [
  ...[
    'run',
    'script',
    'help',
    'targets',
    'show',
    'rerun',
    'sync',
    'schedules',
    'pause',
    'fire',
    'k',
    'top',
    'system.status',
    'app.deploy',
    'shell.run',
  ],
  ...[
    'on:',
    'on:web-1',
    'on:"web-* env=prod"',
    'timeout:',
    '30s',
    '--',
    '——',
    '—',
    '```',
    '`',
    '\n',
    ' ',
    '　',
    '"',
    "'",
  ],
  ...[
    'env=prod',
    'top=3',
    'version=',
    'labels={',
    '}',
    '[',
    ']',
    ',',
    '：',
    '“',
    '”',
    '\\',
    '!',
    '(',
    ')',
    '0198c3a1',
    'ls',
  ],
  ...['链', '运行', '\0', '\u200b', '😀', '\ud800', '__proto__=1', 'constructor', 'toString=2'],
];

const some = (maxLength: number, glue: string) =>
  fc.array(fc.constantFrom(...pieces), { maxLength }).map((words) => words.join(glue));
const heads = [
  'run on:web-1 ',
  'run web-* ',
  'app.deploy on:a version=',
  'sync on:a b ',
  'k on:a ',
  'help ',
  'targets ',
  'link ',
];
const tails = [' -- ', ' `', ' ```\n', '', ' on:x'];

const typed = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  some(14, ''),
  some(14, ' '),
  fc
    .tuple(fc.constantFrom(...heads), some(4, ' '), fc.constantFrom(...tails), some(4, ''))
    .map((parts) => parts.join('')),
);

/** The command, or nothing where it is refused; anything else that is thrown fails. */
function commandOf(make: () => ChatCommand): ChatCommand | undefined {
  try {
    return make();
  } catch (error) {
    if (hasCode(error, 'MOLT_CHAT_COMMAND')) return undefined;
    throw error;
  }
}

const selector = fc.oneof(
  fc.constantFrom(
    'web-1',
    'web-* env=prod',
    '(web-1,db-*) !web-2',
    'env="a  b"',
    'all',
    '"web-1" x',
    '-a',
    'a:b',
    '`',
    '=',
  ),
  fc.string({ unit: fc.constantFrom(...'ab-*!=,"\\` ：“'), minLength: 1, maxLength: 12 }),
);
const text = fc.oneof(
  fc.constantFrom('```\nls\n```', '```', '-- x', '“——”', ' a', 'a\r', 'true', '5', 'null', '[1]', '{}', '.5'),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const options = {
  'app.deploy': fc.record(
    {
      version: text,
      channel: fc.constantFrom('stable', 'beta'),
      ratio: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(-0)),
      dryRun: fc.boolean(),
      hosts: fc.array(text, { maxLength: 3 }).map((hosts) => JSON.stringify(hosts)),
      ports: fc.array(fc.integer(), { maxLength: 3 }).map((ports) => JSON.stringify(ports)),
      labels: fc.dictionary(text, text, { maxKeys: 3 }).map((labels) => JSON.stringify(labels)),
      note: text,
      limit: fc.oneof(fc.integer(), fc.constant('none')),
      either: fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
      anything: text,
      timeout: fc.constantFrom('30s', '1h30m'),
      on: selector,
    },
    { requiredKeys: ['version', 'on'] },
  ),
  run: fc.record({ on: selector, command: text, timeout: fc.constant('5s') }, { requiredKeys: ['on', 'command'] }),
  targets: fc.record({ on: selector }, { requiredKeys: [] }),
};

describe('parse(format(command))', () => {
  test('is the command, for all that can be typed', () => {
    let understood = 0;
    fc.assert(
      fc.property(typed, (line) => {
        const command = commandOf(() => parseCommand(line, context));
        if (!command) return;
        understood += 1;
        expect(parseCommand(formatCommand(command), context)).toEqual(command);
      }),
      { numRuns: 2_000 },
    );
    expect(understood).toBeGreaterThan(100);
  });

  test.each(['app.deploy', 'run', 'targets'] as const)('is the command, for all that options of %s make', (verb) => {
    let understood = 0;
    fc.assert(
      fc.property(options[verb], (given) => {
        const command = commandOf(() => commandFromOptions(verb, given as Record<string, string>, context));
        if (!command) return;
        understood += 1;
        expect(parseCommand(formatCommand(command), context)).toEqual(command);
      }),
      { numRuns: 500 },
    );
    expect(understood).toBeGreaterThan(150);
  });

  test('is the action that an alias stands for', () => {
    const command = parseCommand('sync "a b" c on:web-1', context);
    expect(formatCommand(command)).toBe("run on:web-1 -- rsync -a 'a b' c");
    expect(parseCommand(formatCommand(command), contextWith({ aliases: [alias({ name: 'run' })] }))).toEqual(command);
  });

  test.each([
    ['run on:"web-* env=prod" timeout:30s -- uptime -p'],
    ['run on:web-1 -- set -e\nls\n'],
    ['system.status on:web-* top=3'],
    ['shell.run on:web-1 cwd=/tmp -- ls'],
    ['app.deploy on:a version="5" dryRun=true hosts=["a","b c"] note=null'],
    ['rerun 0198c3a1 failed'],
    ['help run'],
    ['schedules disk watch'],
    ['fire disk-watch'],
    ['language zh-CN'],
  ])('%s is written so', (line) => {
    expect(formatCommand(parseCommand(line, context))).toBe(line);
  });
});

test('what stands after the dashes is the command, byte for byte', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
      fc.constantFrom('--', '——', '—', '–'),
      (command, dashes) => {
        fc.pre(!command.startsWith('```') && /[^\s\u200b\u2060]/.test(command));
        expect(parseCommand(`run on:web-* env=prod ${dashes} ${command}`, context)).toEqual({
          verb: 'run',
          action: 'shell.run',
          args: { command },
          on: 'web-* env=prod',
        });
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a refusal tells a place within the text', () => {
  fc.assert(
    fc.property(typed, (line) => {
      if (commandOf(() => parseCommand(line, context))) return;
      const { position } = refusal(() => parseCommand(line, context)).details as { position: number };
      expect(position).toBeGreaterThanOrEqual(0);
      expect(position).toBeLessThanOrEqual(line.length);
    }),
    { numRuns: 1_000 },
  );
});

test('a text as long as platforms let through is read in no time', () => {
  const long = 150_000;
  for (const piece of ['a ', '"', '`', '{', 'on:', '-', 'a=', '[{', '“ ', '\\', ' (']) {
    for (const verb of ['run ', 'app.deploy labels=', 'sync ', 'help ', '']) {
      const start = performance.now();
      commandOf(() => parseCommand(verb + piece.repeat(long / piece.length), context));
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  }
});
