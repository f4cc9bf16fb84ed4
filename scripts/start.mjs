// `npm start`: everything in one process, from a clean clone.
import { bootstrap, runPinnedNode } from './bootstrap.mjs';

bootstrap();
process.exitCode = await runPinnedNode(['services/standalone/src/main.ts', ...process.argv.slice(2)]);
