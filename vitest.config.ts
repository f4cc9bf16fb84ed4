import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/longest-first.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    // Most tests wait for servers: with one worker, as two cores would have it, the machine would idle.
    maxWorkers: 3,
    // Real servers start inside the files; RabbitMQ alone takes up to 20 s on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 90_000,
    teardownTimeout: 20_000,
    // A condition is waited for as long as a machine that stands still may take; one second is less than it does.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'e2e', include: ['e2e/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['{packages,services,plugins}/*/test/**/*.test.ts', 'scripts/**/*.test.ts', 'drill/test/*.test.ts'],
          // A worker takes one file after the other: a process and every module anew for each would cost a second of CPU a file.
          isolate: false,
        },
      },
    ],
  },
});
