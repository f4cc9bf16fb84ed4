import type { Link } from './link.ts';
import { type AsideProgram, runToEnd } from './run-to-end.ts';
import type { Place } from './shared-connection.ts';

/** Over the command's own connection, or when that gives no channel or is gone, over a new one. */
export async function runAside(
  program: AsideProgram,
  { place, link }: { readonly place: Place; readonly link: Link },
  signal: AbortSignal,
): Promise<string> {
  try {
    return await place.runAside(program, signal);
  } catch (error) {
    if (signal.aborted) throw error;
  }
  const engine = await link.connectAside(signal);
  try {
    return await runToEnd(engine.exec(program.command), program, signal);
  } finally {
    engine.close();
  }
}
