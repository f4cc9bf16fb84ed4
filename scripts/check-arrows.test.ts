import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { checkTree } from './arrows/check-tree.ts';
import { rules } from './arrows/rules.ts';

const roots: string[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** Writes a tree of files; folders named here get a package.json of their name without dependencies. */
function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'moltbot-arrows-'));
  roots.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const packages = ['shared', 'plugin-sdk', 'bus', 'store', 'plugin-host', 'intake', 'testkit'];
  const services = ['gateway', 'executor', 'standalone'];
  for (const name of packages) write(`packages/${name}/package.json`, manifest(name));
  for (const name of services) write(`services/${name}/package.json`, manifest(name));
  write('plugins/shell/package.json', manifest('plugin-shell'));
  write('e2e/package.json', manifest('e2e'));
  for (const [path, text] of Object.entries(files)) write(path, text);
  return root;
}

const manifest = (name: string, dependencies: readonly string[] = []): string =>
  JSON.stringify(
    {
      name: `@moltbot/${name}`,
      dependencies: Object.fromEntries(dependencies.map((each) => [`@moltbot/${each}`, '*'])),
    },
    null,
    2,
  );

/** `file:line rule` of each finding. */
const found = (files: Readonly<Record<string, string>>): string[] =>
  checkTree(tree(files)).findings.map(({ file, line, rule }) => `${file}:${line} ${rule}`);

const lines = (count: number): string => '\n'.repeat(count - 1);

test('a sound tree has no findings', () => {
  const files = {
    'packages/shared/src/index.ts': "export { a } from './a.ts';",
    'packages/shared/src/a.ts': 'export const a = 1;',
    'packages/plugin-sdk/src/index.ts': "export { a } from '@moltbot/shared';",
    'packages/store/src/index.ts': "import '@moltbot/plugin-sdk'; import '@moltbot/shared';",
    'packages/bus/test/bus.test.ts': "import '@moltbot/store'; import '@moltbot/testkit'; process.exit();",
    'packages/testkit/src/index.ts': "import '@moltbot/shared'; process.env;",
    'packages/intake/src/index.ts': "import '@moltbot/bus'; import '@moltbot/store'; import '@moltbot/plugin-host';",
    'plugins/shell/src/index.ts': "import '@moltbot/plugin-sdk'; import 'zod'; import 'node:path';",
    'services/gateway/src/main.ts': "import './gateway.ts'; process.exit();",
    'services/gateway/src/gateway.ts': "import '@moltbot/intake';",
    'services/gateway/package.json': manifest('gateway', ['intake', 'plugin-shell']),
    'services/standalone/src/standalone.ts': "import '@moltbot/gateway'; import '@moltbot/executor';",
    'e2e/e2e.test.ts': "import '@moltbot/gateway'; import '@moltbot/testkit';",
  };
  expect(found(files)).toEqual([]);
});

test.each([
  ['shared', 'plugin-sdk'],
  ['plugin-sdk', 'bus'],
  ['bus', 'store'],
  ['store', 'plugin-host'],
  ['plugin-host', 'intake'],
  ['testkit', 'store'],
])('packages/%s must not import %s', (from, to) => {
  const file = `packages/${from}/src/a.ts`;
  expect(found({ [file]: `\nimport '@moltbot/${to}';` })).toEqual([`${file}:2 arrow`]);
});

test('every form of an import is seen, and text that only looks like one is not', () => {
  const forms = [
    "import type { A } from '@moltbot/intake';",
    "export { b } from '@moltbot/intake';",
    "export * from '@moltbot/intake';",
    "const c = await import('@moltbot/intake');",
    "type D = import('@moltbot/intake').D;",
    "// import '@moltbot/intake'",
    "const e = `import '@moltbot/intake'`;",
  ];
  const findings = found({ 'packages/shared/src/a.ts': forms.join('\n') });
  expect(findings).toEqual([1, 2, 3, 4, 5].map((line) => `packages/shared/src/a.ts:${line} arrow`));
});

test('a package may not import a service, a service not another, and nobody a plugin', () => {
  const findings = found({
    'packages/intake/src/a.ts': "import '@moltbot/gateway';",
    'services/gateway/src/a.ts': "import '@moltbot/executor';\nimport '@moltbot/plugin-shell';",
  });
  expect(findings).toEqual([
    'packages/intake/src/a.ts:1 service',
    'services/gateway/src/a.ts:1 service',
    'services/gateway/src/a.ts:2 arrow',
  ]);
});

test('a plugin imports plugin-sdk and zod alone', () => {
  const findings = found({
    'plugins/shell/src/a.ts': "import '@moltbot/shared';\nimport 'ssh2';\nimport '@moltbot/plugin-sdk';",
  });
  expect(findings).toEqual(['plugins/shell/src/a.ts:1 plugin', 'plugins/shell/src/a.ts:2 plugin']);
});

test('the testkit is imported by tests alone', () => {
  const findings = found({ 'packages/bus/src/a.ts': "import '@moltbot/testkit';" });
  expect(findings).toEqual(['packages/bus/src/a.ts:1 testkit']);
});

test('dependencies of package.json follow the same arrows', () => {
  const findings = found({
    'packages/shared/package.json': manifest('shared', ['store']),
    'services/executor/package.json': manifest('executor', ['testkit', 'gateway']),
  });
  expect(findings).toEqual([
    'packages/shared/package.json:4 arrow',
    'services/executor/package.json:4 testkit',
    'services/executor/package.json:5 service',
  ]);
});

test('an import goes neither into a package nor out of one', () => {
  const findings = found({
    'packages/bus/src/a.ts': "import '@moltbot/shared/src/a.ts';\nimport '../../shared/src/a.ts';",
    'packages/bus/test/a.test.ts': "import '../src/a.ts';\nimport '../../shared/src/a.ts';",
  });
  expect(findings).toEqual([
    'packages/bus/src/a.ts:1 deep-import',
    'packages/bus/src/a.ts:2 border',
    'packages/bus/test/a.test.ts:2 border',
  ]);
});

test.each(['amqplib', 'ioredis', 'node:sqlite', 'ssh2', 'prom-client', 'pino', 'yaml', '@fastify/swagger'])(
  '%s is imported by one file',
  (vendor) => {
    const findings = found({
      'packages/bus/src/a.ts': `import '${vendor}';`,
      'packages/bus/src/b.ts': `import x from '${vendor}';`,
      'packages/bus/test/c.test.ts': `import '${vendor}';`,
    });
    expect(findings).toEqual(['packages/bus/src/b.ts:1 vendor']);
  },
);

test('the types of fastify may be imported anywhere, those of others not', () => {
  const findings = found({
    'services/gateway/src/a.ts': "import { fastify } from 'fastify';\nimport 'ssh2';",
    'services/gateway/src/b.ts':
      "import type { A } from 'fastify';\nimport { type B } from 'fastify';\nimport type { C } from 'ssh2';",
    'services/gateway/src/c.ts': "import { type A, fastify } from 'fastify';",
  });
  expect(findings).toEqual(['services/gateway/src/b.ts:3 vendor', 'services/gateway/src/c.ts:1 vendor']);
});

test('process belongs to entry files; killing another process is free', () => {
  const uses = [
    'process.env;',
    'process.exit(1);',
    "process['argv'];",
    'const { env } = process;',
    'globalThis.process;',
    "import process from 'node:process';",
    "import { env, kill } from 'node:process';",
    'process.kill(1, 0);',
    'state.process.exit;',
    '// process.env',
  ];
  const findings = found({
    'packages/shared/src/a.ts': uses.join('\n'),
    'packages/shared/src/run-main.ts': 'process.exit();',
    'packages/shared/src/domain.ts': 'process.exit();',
  });
  expect(findings).toEqual([
    ...[1, 2, 3, 4, 5, 6, 7].map((line) => `packages/shared/src/a.ts:${line} process`),
    'packages/shared/src/domain.ts:1 process',
  ]);
});

test('a cycle is told once with its way, over any number of files and packages', () => {
  const root = tree({
    'packages/bus/src/a.ts': "import './b.ts';",
    'packages/bus/src/b.ts': "\nimport type { C } from './c.ts';",
    'packages/bus/src/c.ts': "import './a.ts'; import './d.ts';",
    'packages/bus/src/d.ts': '',
    'packages/shared/src/index.ts': "import '@moltbot/plugin-sdk';",
    'packages/plugin-sdk/src/index.ts': "import '@moltbot/shared';",
  });
  const cycles = checkTree(root).findings.filter(({ rule }) => rule === 'cycle');
  expect(cycles.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([
    'packages/bus/src/c.ts:1 packages/bus/src/a.ts → packages/bus/src/b.ts → packages/bus/src/c.ts → packages/bus/src/a.ts',
    'packages/shared/src/index.ts:1 packages/plugin-sdk/src/index.ts → packages/shared/src/index.ts → packages/plugin-sdk/src/index.ts',
  ]);
});

test('files end at 400 lines, functions at 60 of their own and 200 in all, outside tests', () => {
  const long = (count: number): string => `const f = () => {${lines(count)}};\n`;
  const factory = (inner: number): string => `const f = () => {\n${long(50).repeat(inner)}};\n`;
  const findings = found({
    'packages/bus/src/a.ts': `\n${long(60)}${long(61)}`,
    'packages/bus/src/b.ts': `${lines(400)}a();\n`,
    'packages/bus/src/c.ts': `${lines(401)}a();\n`,
    'packages/bus/src/d.ts': `${factory(3)}\n${factory(4)}`,
    'packages/bus/test/e.test.ts': long(61),
    'e2e/suite.ts': long(61),
  });
  expect(findings).toEqual([
    'packages/bus/src/a.ts:62 size',
    'packages/bus/src/c.ts:401 size',
    'packages/bus/src/d.ts:154 size',
  ]);
});

test('a file that is no TypeScript is named with its line', () => {
  const root = tree({ 'packages/bus/src/a.ts': 'const a = 1;\nconst = ;' });
  expect(() => checkTree(root)).toThrow(/packages\/bus\/src\/a\.ts:2 cannot be parsed/);
});

test('the command prints file, line, rule and reason, and fails', () => {
  const script = fileURLToPath(new URL('check-arrows.ts', import.meta.url));
  const run = (root: string) => spawnSync(process.execPath, [script, root], { encoding: 'utf8' });

  const bad = run(tree({ 'packages/bus/src/a.ts': "import '@moltbot/store';" }));
  expect(bad.stdout).toContain('packages/bus/src/a.ts:1 [arrow] packages/bus must not import @moltbot/store\n');
  expect(bad.stdout).toContain(rules.arrow);
  expect(bad.status).toBe(1);

  const good = run(tree({ 'packages/bus/src/a.ts': '' }));
  expect(good).toMatchObject({ stdout: '1 files, 0 findings\n', status: 0 });
});
