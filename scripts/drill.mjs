// `npm run drill`: seeded faults on an installation of this checkout, with a verdict. `-- --mode embedded --seed 7 --faults 20 --commands 200 --cancels 20`.
// `npm run drill -- schedules`: the same for schedules and whoever leads. `-- schedules --schedules 300 --minutes 5`.
// `npm run drill -- chat`: commands in chats. `-- chat --platform lark --runs 3 --commands 50 --seed 7 --longest 300 --verbose`.
import { bootstrap, runPinnedNode } from './bootstrap.mjs';
import { ensureServers } from './debian-servers.mjs';
import { useOtherBroker } from './other-broker.mjs';

bootstrap();
ensureServers();
useOtherBroker();
const [kind, ...rest] = process.argv.slice(2);
const files = { schedules: 'drill/schedules.ts', chat: 'drill/chat.ts' };
const args = kind in files ? [files[kind], ...rest] : ['drill/drill.ts', ...process.argv.slice(2)];
process.exitCode = await runPinnedNode(args);
