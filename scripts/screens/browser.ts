import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const executable = '/usr/bin/chromium';
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser without a window, with a profile of its own that goes with it. @throws where Debian's Chromium is missing */
export async function openBrowser(): Promise<Browser> {
  if (!existsSync(executable)) throw new Error(`${executable} is missing: apt-get install chromium`);
  return chromium.launch({ executablePath: executable, args: flags });
}

export interface PageOptions {
  /** In CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly isDark: boolean;
  /** Pixels of the picture for each of CSS. Default 1. */
  readonly scale?: number;
}

export async function openPage(browser: Browser, { width, height, isDark, scale = 1 }: PageOptions): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme: isDark ? 'dark' : 'light',
    locale: 'en-US',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  return context.newPage();
}
