import type { ErrorCode } from '@moltbot/shared';
import { englishErrorOf } from './english-errors.ts';
import { englishSchedules } from './english-schedules.ts';
import type { ErrorWords } from './error-words.ts';

const s = (count: number): string => (count === 1 ? '' : 's');

/** In its two largest units; below a minute in seconds, to the tenth while they are few. */
const durationIn = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return two(seconds, 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  return minutes < 1_440 ? two(minutes, 60, 'h', 'min') : two(Math.round(minutes / 60), 24, 'd', 'h');
};

const two = (count: number, per: number, large: string, small: string): string => {
  const rest = count % per;
  return `${Math.floor(count / per)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
};

/** What the bot says in English. A text is never markup; what is put into it is made safe by who shows it. */
export const english = {
  /** Of a run or a task. */
  states: {
    held: 'waiting for approval',
    queued: 'queued',
    claimed: 'starting',
    running: 'running',
    succeeded: 'succeeded',
    failed: 'failed',
    'timed-out': 'timed out',
    cancelled: 'cancelled',
    unknown: 'unknown',
    undeliverable: 'not delivered',
    expired: 'expired',
  },
  buttons: {
    cancel: 'Cancel',
    rerun: 'Rerun',
    rerunFailed: 'Rerun failed',
    details: 'Details',
    runNow: 'Run now',
    dismiss: 'Dismiss',
    approve: 'Approve',
    reject: 'Reject',
    acknowledge: 'Acknowledge',
    silence: 'Silence',
    runRemedy: 'Run the remedy',
    pause: 'Pause',
    resume: 'Resume',
  },
  severities: { info: 'Info', warning: 'Warning', error: 'Error', critical: 'Critical' },
  duration: (ms: number): string => durationIn(ms),
  /** Joins facts of one line. */
  facts: (facts: readonly string[]): string => facts.join(' · '),
  names: (names: readonly string[], more: number): string =>
    more > 0 ? `${names.join(', ')}, +${more}` : names.join(', '),
  labelled: (label: string, text: string): string => `${label}: ${text}`,

  task: {
    title: (what: string, on: string): string => `${what} → ${on}`,
    footer: (id: string): string => `Task ${id}`,
    cancelling: 'cancelling',
    since: (state: string, duration: string): string => `${state} for ${duration}`,
    exitCode: (code: number): string => `exit code ${code}`,
    signal: (name: string): string => `ended by signal ${name}`,
    attempt: (attempt: number): string => `attempt ${attempt}`,
    retries: (attempt: number): string => `attempt ${attempt} follows`,
    held: 'It starts when somebody who may has approved it.',
    isUnknown: 'It had started, and how it ended cannot be learned. It is not started again by itself.',
    resolve: (run: string): string =>
      `A person has to look at the host, then say what became of it: moltbot task resolve ${run} --done, or --rerun.`,
    resolved: (as: 'done' | 'rerun', by: string): string =>
      as === 'done' ? `Settled by ${by}: nothing more is to be done.` : `Settled by ${by}: it was run again.`,
    noOutput: 'No output.',
    outputInFile: 'Full output in the file.',
    outputComesAsFile: 'The last lines; the full output comes as a file.',
    dropped: 'More was printed than is kept; the rest was dropped.',
    data: 'data',
  },

  hosts: (count: number): string => `${count} host${s(count)}`,
  stateCount: (state: string, count: number): string => `${count} ${state}`,
  groups: {
    head: ['Hosts', 'Result', 'Output'] as readonly string[],
    result: (state: string, exitCode: number): string => `${state}, exit code ${exitCode}`,
    rest: (hosts: string): string => `${hosts} more`,
    output: (hosts: string, result: string): string => `${hosts}: ${result}`,
    notListed: (count: number): string => `${count} run${s(count)} not listed here.`,
  },
  details: {
    title: (task: string): string => `Details of ${task}`,
    page: (page: number, pages: number): string => `page ${page} of ${pages}`,
    head: ['Host', 'State', 'Exit code', 'Duration'] as readonly string[],
    more: (count: number): string => `${count} more run${s(count)} not shown.`,
    exit: (code: number | undefined, signal: string | undefined): string =>
      code !== undefined ? `${code}` : (signal ?? '–'),
    none: 'There are no runs to show.',
  },

  help: {
    title: 'What I understand',
    topic: (verb: string): string => `Help: ${verb}`,
    unknownTopic: (topic: string): string => `There is no help on "${topic}".`,
    intro: 'Write to me directly, or mention me in a channel.',
    more: 'help <command> says more.',
    options: 'Options',
    required: 'What has a * must be given.',
  },
  lists: {
    actions: (count: number): string => `${count} action${s(count)}`,
    actionsHint: 'help <action> shows its arguments.',
    targets: (count: number): string => `${count} target${s(count)}`,
    targetsOn: (count: number, on: string): string => `${count} target${s(count)} for ${on}`,
    targetsHead: ['Name', 'Pool', 'Labels'] as readonly string[],
    tasks: 'Newest tasks',
    tasksHead: ['Task', 'What', 'State', 'Accepted'] as readonly string[],
    ago: (duration: string): string => `${duration} ago`,
    more: (count: number): string => `${count} more.`,
    none: 'Nothing to show.',
  },

  who: {
    title: 'Who you are here',
    account: 'Account',
    principal: 'Name',
    tenant: 'Tenant',
    language: 'Language',
    roles: 'Roles',
    notLinked: 'not linked',
    howToLink:
      'Ask an operator for a code (moltbot chat code <name>), or make one with your API key, then send: link <code>',
  },
  link: {
    linked: (principal: string): string => `You are ${principal} here from now on.`,
    unlinked: 'Your account is not linked any more.',
    wasNotLinked: 'Your account was not linked.',
    inPrivate: 'Send the code in a direct message: in a channel others can read it.',
  },
  language: { name: 'English', switched: 'I speak English with you from now on.' },

  questions: {
    stale: (duration: string): string => `Sent ${duration} ago: run it now?`,
    staleWhy: 'I could not take it then, and things may have changed since.',
    confirm: 'Run this?',
    approval: 'Approval needed',
    action: 'Action',
    targets: 'Targets',
    asker: 'Asked by',
    until: (duration: string): string => `Without a decision within ${duration} it is not run.`,
    decided: {
      run: (by: string): string => `Run by ${by}`,
      dismiss: (by: string): string => `Dismissed by ${by}`,
      approve: (by: string): string => `Approved by ${by}`,
      reject: (by: string): string => `Rejected by ${by}`,
      expire: 'Nobody decided in time: it was not run. Send the command again to ask anew.',
    },
    notAll: (characters: number): string =>
      `Not all of it is shown: it goes on for ${characters} character${s(characters)}.`,
    remedyNotRun: 'The remedy was asked for, but Moltbot stopped before it ran. It has not run: run it by a command.',
    notYours: 'This is not for you to decide.',
    notRun: 'It was decided, but Moltbot stopped before it ran. It has not run: send the command again.',
    alreadyDecided: (by: string): string => `${by} has decided this already.`,
  },
  done: {
    cancelling: 'It is being cancelled.',
    ended: 'The task has ended already.',
    acknowledged: (by: string): string => `Acknowledged by ${by}`,
    silenced: (by: string): string => `Silenced by ${by}`,
    remedyRun: (by: string): string => `The remedy was started by ${by}`,
  },
  schedules: englishSchedules as typeof englishSchedules,
  notification: {
    title: (severity: string, title: string): string => `${severity}: ${title}`,
    digest: (count: number): string => `While it was quiet: ${count} message${s(count)}`,
    several: (count: number): string => `${count} messages`,
    repeats: (count: number): string =>
      count === 1 ? 'The same came once more.' : `The same came ${count} times more.`,
    head: ['#', 'Severity', 'What', 'When'] as readonly string[],
    times: (title: string, times: number): string => `${title} (×${times})`,
    numbered: (number: number, title: string): string => `${number}: ${title}`,
    more: (count: number): string => `${count} more not shown.`,
  },
  errorLine: (title: string, message: string, code: string): string => `${title}: ${message} (${code})`,
  errorOf: (code: ErrorCode): ErrorWords => englishErrorOf(code),
  /** Of an error, as it is said in English. */
  sentence: (english: string): string => english,
  /** A remedy that is more exact than the usual one of its code. */
  exactRemedy: (_usual: string, english: string): string => english,
  internal: 'Something failed that should not have; the log has the reason.',
};

/** All that the bot says, in one language. English is the measure: no other can lack a text of it. */
export type Texts = typeof english;
