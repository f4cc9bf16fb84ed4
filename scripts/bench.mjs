// `npm run bench`: our figures beside their limits, in one run. `npm run bench -- --rounds 3` for a quick look.
import { bootstrap, runPinnedNode } from './bootstrap.mjs';
import { ensureServers } from './debian-servers.mjs';

bootstrap();
ensureServers();
const [kind, ...rest] = process.argv.slice(2);
// `npm run bench -- schedules`: 100,000 schedules.
const args = kind === 'schedules' ? ['bench/schedules.ts', ...rest] : ['bench/bench.ts', ...process.argv.slice(2)];
process.exitCode = await runPinnedNode(args);
