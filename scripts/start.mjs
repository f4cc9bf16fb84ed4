// `npm start`: everything in one process, from a clean clone. `npm start -- --demo-chat`: the same beside a chat to try it in.
import { bootstrap, runPinnedNode } from './bootstrap.mjs';

bootstrap();
const [first, ...rest] = process.argv.slice(2);
const args =
  first === '--demo-chat'
    ? ['scripts/demo-chat.ts', ...rest]
    : ['services/standalone/src/main.ts', ...process.argv.slice(2)];
process.exitCode = await runPinnedNode(args);
