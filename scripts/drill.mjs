// `npm run drill`: seeded faults on an installation of this checkout, with a verdict. `-- --mode embedded --seed 7 --faults 20 --commands 200`.
import { bootstrap, runPinnedNode } from './bootstrap.mjs';
import { ensureServers } from './debian-servers.mjs';

bootstrap();
ensureServers();
process.exitCode = await runPinnedNode(['drill/drill.ts', ...process.argv.slice(2)]);
