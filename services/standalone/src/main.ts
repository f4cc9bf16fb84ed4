import { runMain } from '@moltbot/shared';
import { createStandalone } from './standalone.ts';

await runMain('moltbot', createStandalone);
