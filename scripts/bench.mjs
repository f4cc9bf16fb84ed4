// `npm run bench`: our figures beside their limits, in one run. `npm run bench -- --rounds 3` for a quick look.
import { bootstrap, runPinnedNode } from './bootstrap.mjs';
import { ensureServers } from './debian-servers.mjs';

bootstrap();
ensureServers();
process.exitCode = await runPinnedNode(['bench/bench.ts', ...process.argv.slice(2)]);
