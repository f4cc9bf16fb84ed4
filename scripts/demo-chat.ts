// `npm start -- --demo-chat`: Moltbot beside a chat of its own, on 127.0.0.1, for who has neither accounts nor hosts at hand.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { composeServices, runMain, type Service } from '@moltbot/shared';
import { demoConfig } from './demo/demo-config.ts';
import { type DemoDiscord, startDemoDiscord } from './demo/demo-discord.ts';
import { createDemo, type Demo } from './demo/demo-service.ts';

const { discord, page } = await openChat(portOf(process.argv.slice(2)));

const directory = mkdtempSync(join(tmpdir(), 'moltbot-demo-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
// A terminal that is closed ends it as Ctrl-C does.
process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));

const file = join(directory, 'config.json');
writeFileSync(file, JSON.stringify(demoConfig({ discord, directory })), { mode: 0o600 });
// What is set for another Moltbot is none of its business.
for (const name of Object.keys(process.env)) if (name.startsWith('MOLTBOT_')) delete process.env[name];
process.env['MOLTBOT_CONFIG'] = file;

await runMain('demo', async (context) => {
  const demo = await createDemo(context, discord);
  return composeServices('demo', [demo, welcome(demo, context.say)]);
});

/** Says where it is, once all of it is there. */
function welcome(demo: Demo, say: (line: string) => void): Service {
  return {
    name: 'welcome',
    async start() {
      for (const line of welcomeLines(demo.api().url)) say(line);
    },
    quiesce: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    health: () => ({ ok: true }),
  };
}

function welcomeLines(api: string): readonly string[] {
  return [
    '',
    `  Open ${page}`,
    '  and write: !run on:local -- uname -a',
    '',
    '  It is a stand-in for Discord; nothing leaves this machine. Commands run here, as you: local, web-1, db-1 are names of this machine.',
    '  Tell the channel something from another terminal:',
    `    MOLTBOT_URL=${api} MOLTBOT_API_KEY="$(cat ${join(directory, 'data', 'api-key')})" \\`,
    '      npm run -s moltbot -- notify test --severity critical --title "The disk of db-1 is full"',
    '',
    '  Ctrl-C ends it, and what runs in it; nothing of it is kept.',
    '',
  ];
}

function portOf(args: string[]): number {
  try {
    const { values } = parseArgs({ args, options: { port: { type: 'string', default: '0' } } });
    const port = Number(values.port);
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
    return fail(`"${values.port}" is no port: --port takes a number from 0 to 65535`);
  } catch (error) {
    return fail(
      `${error instanceof Error ? error.message : String(error)}\nThere is one option: --port NUMBER, for the page.`,
    );
  }
}

async function openChat(port: number): Promise<DemoDiscord> {
  try {
    return await startDemoDiscord({ port });
  } catch (error) {
    return fail(`port ${port} cannot be had (${String(error)}); without --port a free one is taken`);
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
