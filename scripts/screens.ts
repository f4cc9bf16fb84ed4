import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser } from './screens/browser.ts';
import { discordScenes } from './screens/discord-scenes.ts';
import { larkScenes } from './screens/lark-scenes.ts';
import { openStage } from './screens/stage.ts';

const folder = join(import.meta.dirname, '..', 'docs', 'platforms', 'pictures');
mkdirSync(folder, { recursive: true });

const browser = await openBrowser();
const stage = await openStage();
try {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  const all = { discord: discordScenes(stage, browser, folder), lark: larkScenes(stage, browser, folder) };
  for (const [platform, scenes] of Object.entries(all)) {
    for (const [name, scene] of Object.entries(scenes)) {
      process.stdout.write(`${platform} ${name}\n`);
      await scene();
    }
  }
} finally {
  await browser.close();
  await stage.close();
}
const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
process.stdout.write(
  `${readdirSync(folder).length} pictures, ${Math.round(bytes / 1024)} KiB, in docs/platforms/pictures\n`,
);
