import { channels, type DrillPlatform, type SaidByBot } from './drill-platform.ts';

/** A command that a person gave. */
export interface Command {
  readonly n: number;
  readonly channel: string;
  readonly messageId: string;
  /** Epoch ms. */
  readonly at: number;
}

export interface Evidence {
  readonly said: readonly Command[];
  /** The lines of the file on the target: the number of each command that ran, as often as it ran. */
  readonly lines: readonly string[];
  readonly platform: Pick<DrillPlatform, 'said' | 'refusals'>;
  /** When the one that led was killed, epoch ms. */
  readonly kills: readonly number[];
}

export interface Findings {
  readonly said: number;
  readonly ranOnce: number;
  /** By one message, which says how the command ended. */
  readonly answered: number;
  /** Answers that were posted after that to a later command of their channel. */
  readonly outOfOrder: number;
  /** Refusals because of too much that nobody ordered, and those that were. */
  readonly ownRefusals: number;
  readonly orderedRefusals: number;
  /** From each kill of the one that led to the next answer, ms. */
  readonly takeOverMs: readonly number[];
  /** Nothing is to be waited for any more. */
  readonly isComplete: boolean;
  /** Each broken promise, in words. */
  readonly wrong: readonly string[];
}

/** Holds what stands on the platform and on the target against what was said. */
export function judge({ said, lines, platform, kills }: Evidence): Findings {
  const times = countOf(lines);
  const bySaid = channels.map((channel) => platform.said(channel));
  const all = bySaid.flat();
  const answers = Map.groupBy(all, ({ replyTo }) => replyTo);
  const answersOf = ({ messageId }: Command): readonly SaidByBot[] => answers.get(messageId) ?? [];
  const notOnce = said.filter(({ n }) => times.get(String(n)) !== 1);
  const unanswered = said.filter((command) => !isAnswer(answersOf(command)[0], command));
  const twice = said.filter((command) => answersOf(command).length > 1);
  const byId = new Map(said.map((command) => [command.messageId, command]));
  const late = bySaid.flatMap((each) => lateOnes(each, byId));
  const foreign = all.filter(({ replyTo }) => !byId.has(replyTo ?? ''));
  const { all: refusals, ordered } = platform.refusals();
  const wrong = [
    ...notOnce.map(({ n }) => `command ${n} ran ${times.get(String(n)) ?? 0} times`),
    ...unanswered.map((command) => `command ${command.n}: ${wordsOf(answersOf(command)[0])}`),
    ...twice.map((command) => `command ${command.n} has ${answersOf(command).length} answers`),
    ...late,
    ...foreign.map(({ text }) => `a message answers nothing: ${text.slice(0, 200)}`),
  ];
  return {
    said: said.length,
    ranOnce: said.length - notOnce.length,
    answered: said.length - new Set([...unanswered, ...twice]).size,
    outOfOrder: late.length,
    ownRefusals: refusals - ordered,
    orderedRefusals: ordered,
    takeOverMs: kills.flatMap((kill) => {
      const after = all.map(({ at }) => at - kill).filter((ms) => ms > 0);
      return after.length === 0 ? [] : [Math.min(...after)];
    }),
    isComplete: unanswered.length === 0,
    wrong,
  };
}

const isAnswer = (said: SaidByBot | undefined, { n }: Command): boolean =>
  ['succeeded', `number ${n}!`].every((part) => said?.text.includes(part));

const wordsOf = (said: SaidByBot | undefined): string =>
  said ? `its answer says ${JSON.stringify(said.text.slice(-300))}` : 'no answer';

/** Those that stand after one to a later command, in words. */
function lateOnes(answers: readonly SaidByBot[], commands: ReadonlyMap<string, Command>): string[] {
  const wordsFor = ({ n, at }: Command, answer: SaidByBot): string =>
    `command ${n} of ${new Date(at).toISOString()}, at ${new Date(answer.at).toISOString()} (${answer.replyTo}, ${answer.text.match(taskId)?.[0]})`;
  let last: { readonly command: Command; readonly answer: SaidByBot } | undefined;
  return answers.flatMap((answer) => {
    const command = commands.get(answer.replyTo ?? '');
    if (!command) return [];
    if (last && last.command.n > command.n)
      return [`${wordsFor(command, answer)} was answered after ${wordsFor(last.command, last.answer)}`];
    last = { command, answer };
    return [];
  });
}

const taskId = /[0-9a-f]{8}-[0-9a-f-]{27}/;

function countOf(items: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
