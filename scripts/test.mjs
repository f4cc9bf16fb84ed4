// `npm test`: the whole suite from a clean clone, or the part named: `npm test -- packages/shared`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrap, fail, runPinnedNode, say } from './bootstrap.mjs';
import { ensureServers } from './debian-servers.mjs';
import { useOtherBroker } from './other-broker.mjs';

bootstrap();
ensureServers();
useOtherBroker();

const folder = mkdtempSync(join(tmpdir(), 'moltbot-report-'));
const report = join(folder, 'report.json');
try {
  const exitCode = await runPinnedNode([
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ]);
  process.exitCode = verdict(report) || exitCode;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Prints the counts on one plain line. @returns 0, or 1 when something failed or no test ran at all */
function verdict(file) {
  if (!existsSync(file)) fail('Vitest ended without a report');
  const { passed, failed, skipped } = counts(file);
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  if (passed + failed > 0) return failed > 0 ? 1 : 0;
  say('no test ran');
  return 1;
}

/** A file that breaks before its first test counts as one failure. */
function counts(file) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const broken = testResults.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.length);
  return {
    passed: numPassedTests,
    failed: numFailedTests + broken.length,
    skipped: numPendingTests + numTodoTests,
  };
}
