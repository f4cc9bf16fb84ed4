// `npm run screens`: takes the pictures of docs/platforms with Debian's Chromium, of a demo that really runs.
import { bootstrap, runPinnedNode } from './bootstrap.mjs';

bootstrap();
process.exitCode = await runPinnedNode(['scripts/screens.ts']);
