import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,services,plugins}/*/test/**/*.test.ts', 'scripts/**/*.test.ts', 'e2e/**/*.test.ts'],
    pool: 'forks',
    // Most tests wait for servers: with one worker, as two cores would have it, the machine would idle.
    maxWorkers: 3,
    // Real servers start inside the files; RabbitMQ alone takes up to 20 s on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 90_000,
    teardownTimeout: 20_000,
  },
});
