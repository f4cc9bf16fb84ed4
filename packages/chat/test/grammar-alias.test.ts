import { execFileSync } from 'node:child_process';
import type { AliasConfig } from '@moltbot/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fillShellLine, toShellWord } from '../src/aliases-quote.ts';
import { parseCommand } from '../src/grammar/parse-command.ts';
import { alias, contextWith, refusal } from './grammar-lab.ts';

const shellAlias = (command: string): AliasConfig => alias({ args: { command }, usage: '' });

const parse = (text: string, config: AliasConfig = alias()) => parseCommand(text, contextWith({ aliases: [config] }));

const lineOf = (text: string, config?: AliasConfig): string => {
  const command = parse(text, config);
  if (command.verb !== 'run') throw new Error(`a ${command.verb} came of it`);
  return String(command.args['command']);
};

/** A word in the quotes of a command. */
const quoted = (word: string): string => `"${word.replace(/[\\"]/g, '\\$&')}"`;

/** What `printf` of the template prints, an argument on a line. */
const printed = (line: string): string => execFileSync('sh', ['-c', line], { encoding: 'utf8' });

describe('an alias', () => {
  test('fills in words, with quotes where a shell needs them', () => {
    expect(lineOf('sync /srv/a web:/srv/b on:web-1')).toBe('rsync -a /srv/a web:/srv/b');
    expect(lineOf('SYNC "my dir" $HOME on:web-1')).toBe("rsync -a 'my dir' '$HOME'");
    expect(lineOf("sync it's “a b” on:web-1")).toBe("rsync -a 'it'\\''s' 'a b'");
    expect(lineOf('sync --from="a b" "" on:web-1')).toBe("rsync -a '--from=a b' ''");
    expect(lineOf('sync on:web-1 if - ')).toBe("rsync -a 'if' -");
  });

  test('`{*}` stands for the words that no number stands for', () => {
    const config = shellAlias('systemctl {1} -- {*}');
    expect(lineOf('sync restart a "b c" -- d on:x', config)).toBe("systemctl restart -- a 'b c' -- d");
    expect(lineOf('sync restart on:x', config)).toBe('systemctl restart -- ');
  });

  test('types its words by the schema of its action', () => {
    const config = alias({
      action: 'app.deploy',
      args: { version: '{1}', ports: '{*}', dryRun: true, labels: { by: 'chat-{1}' }, hosts: ['a', '{*}'] },
      on: 'web-*',
    });
    expect(parse('sync 5 80 443', config)).toEqual({
      verb: 'run',
      action: 'app.deploy',
      args: { version: '5', ports: [80, 443], dryRun: true, labels: { by: 'chat-5' }, hosts: ['a', '80', '443'] },
      on: 'web-*',
    });
    expect(parseCommand('top ３ timeout:5s', contextWith())).toEqual({
      verb: 'run',
      action: 'system.status',
      args: { top: 3 },
      on: 'web-*',
      timeout: '5s',
    });
  });

  test('a verb has the word that an alias wants', () => {
    expect(parse('help', alias({ name: 'help', on: 'web-1', args: {} }))).toEqual({ verb: 'help' });
  });
});

const nasty = fc
  .string({ unit: fc.constantFrom(...'\'"`$(){}[]<>|&;*?~#!\\ \t\n=-ab1é'), maxLength: 12 })
  // A process cannot be given what holds it, and the words go there as they come.
  .filter((word) => !word.includes('\0'));

/** A shell takes its time to start. */
const manyWords = fc.array(nasty, { minLength: 30, maxLength: 60, size: 'max' });

describe('a word with all that a shell knows stays one word', () => {
  test.each([
    ['plain', "printf '%s\\n' {1} end", (word: string) => `${word}\nend\n`],
    ['in double quotes', 'printf \'%s\\n\' "a {1} b" end', (word: string) => `a ${word} b\nend\n`],
    ['in single quotes', "printf '%s\\n' 'a {1} b' end", (word: string) => `a ${word} b\nend\n`],
    ['in a command substitution', 'printf \'%s\\n\' "$(printf %sx {1})" end', (word: string) => `${word}x\nend\n`],
    ['glued', "printf '%s\\n' --a={1}/b end", (word: string) => `--a=${word}/b\nend\n`],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a shell's.
    ['beside an expansion', 'x=v; printf \'%s\\n\' "${x}{1}$x" end', (word: string) => `v${word}v\nend\n`],
    ['in a subshell', "(true; printf '%s\\n' {1}) # it's\nprintf '%s\\n' {1}", (word: string) => `${word}\n${word}\n`],
    ['before a redirection', "printf '%s\\n' {1}>&1", (word: string) => `${word}\n`],
  ])('%s', (_, template, expected) => {
    fc.assert(
      fc.property(manyWords, (words) => {
        const lines = words.map((word) => lineOf(`sync ${quoted(word)} on:web-1`, shellAlias(template)));
        expect(printed(lines.join('\n'))).toBe(words.map(expected).join(''));
      }),
      { numRuns: 5, examples: [[['$(id)', "'; id; '", '"; id; "', '2', '-n', '`id`', 'a\\', 'if', '', '$x', '#']]] },
    );
  });

  test('several words', () => {
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 1, maxLength: 4 }), (words) => {
        const text = `sync ${words.map(quoted).join(' ')} on:web-1`;
        expect(printed(lineOf(text, shellAlias("printf '%s\\n' {*} end")))).toBe([...words, 'end', ''].join('\n'));
        expect(printed(lineOf(text, shellAlias('printf \'%s\\n\' "x{*}"')))).toBe(`x${words.join(' ')}\n`);
      }),
      { numRuns: 10 },
    );
  });

  test.each([
    'echo `ls {1}`',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a shell's.
    'echo ${1}',
    'echo "$' + '{1}"',
    'echo \\{1}',
    "echo $'{1}'",
    'echo $((1 + {1}))',
    '(( {1} ))',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a shell's.
    'echo "${x:-{1}}"',
    'cat <<EOF\n{1}\nEOF',
    'ls # {1}',
    'echo "$(case a in a) echo {1};; esac)"',
  ])('a place where it could not is refused: %s', (template) => {
    const error = refusal(() => parse('sync a on:web-1', shellAlias(template)));
    expect(error.code).toBe('MOLT_CHAT_COMMAND');
    expect(error.details).toEqual({ position: 0, hint: { kind: 'bad-alias', alias: 'sync', place: '{1}' } });
  });
});

/** Parts of shell commands, put together in any way: most of them make no sense. */
const parts = [
  "'",
  '"',
  ' ',
  '\\',
  '$',
  '(',
  ')',
  '$(',
  '`',
  '{1}',
  '{1}',
  '{1}',
  'a',
  '#',
  '\n',
  ';',
  '<<',
  '${',
  '}',
  '$((',
  '|',
  '=',
];
const escapes = ['$(E)', '`E`', '; E #', "'; E; '", '"; E; "', '\nE\n', ')E', "\\'; E;#"].map((word) =>
  word.replace('E', 'echo escaped >&2'),
);

test('whatever the template of an alias, no word of it runs', () => {
  let filled = 0;
  const templates = fc.array(fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 9 }), { minLength: 20 });
  fc.assert(
    fc.property(templates, (made) => {
      const lines = made
        .map((words) => words.join(''))
        .filter((template) => template.includes('{1}'))
        .flatMap((template) => escapes.map((word) => fillShellLine(template, () => [word])))
        .filter((line) => typeof line === 'string');
      filled += lines.length;
      const script = lines.map((line) => `( eval ${toShellWord(line)} ) </dev/null >/dev/null 2>&3 || :`).join('\n');
      const said = execFileSync('sh', ['-c', `exec 3>&1\n${script}`], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      expect(said.split('\n')).not.toContain('escaped');
    }),
    { numRuns: 30 },
  );
  expect(filled).toBeGreaterThan(200);
});
