import type { ChatCode, ChatMessage } from '../message.ts';
import type { Question } from '../questions/question.ts';
import type { Texts } from '../texts/english.ts';
import { texts } from '../texts/texts.ts';
import { cleanOutput } from './clean-output.ts';
import { clip } from './clip.ts';
import { fitMessage } from './fit-message.ts';
import { codeCharacters } from './message-limits.ts';
import { coarseMs, commandOf, titleOf } from './task-words.ts';

type Asking = 'id' | 'kind' | 'command' | 'asker' | 'language' | 'sentAt' | 'askedAt' | 'expiresAt';

export type QuestionView = Pick<Question, Asking> & {
  readonly decision?: Pick<NonNullable<Question['decision']>, 'option' | 'by'> | undefined;
  /** Nobody decided in time. */
  readonly isExpired?: boolean | undefined;
  /** Targets that the selector matches now. */
  readonly targets?: number | undefined;
};

/** Shows what would be run, and asks; once that is decided, says who did. */
export function questionToMessage(view: QuestionView): ChatMessage {
  const { id, kind, command, decision, isExpired = false } = view;
  const t = texts(view.language);
  const isOpen = decision === undefined && !isExpired;
  const { code, left } = whatIsRun(command);
  const [yes, no] = kind === 'approve' ? [t.buttons.approve, t.buttons.reject] : [t.buttons.runNow, t.buttons.dismiss];
  return fitMessage({
    tone: isOpen ? 'warning' : decision?.option === 'yes' ? 'success' : 'neutral',
    title: titleOf(command, t),
    text: [...(isOpen ? asked(view, t) : [decided(view, t)]), ...(left > 0 ? [t.questions.notAll(left)] : [])],
    fields: fieldsOf(view, t),
    code,
    buttons: isOpen
      ? [
          { id: `decide:${id}:yes`, label: yes, style: 'primary' },
          { id: `decide:${id}:no`, label: no, style: kind === 'approve' ? 'danger' : 'neutral' },
        ]
      : [],
  });
}

function asked({ kind, sentAt, askedAt, expiresAt }: QuestionView, t: Texts): readonly string[] {
  if (kind === 'confirm') return [t.questions.confirm];
  if (kind === 'approve') return [t.questions.approval, t.questions.until(t.duration(expiresAt - askedAt))];
  const ageMs = Math.max(0, askedAt - sentAt);
  return [t.questions.stale(t.duration(coarseMs(ageMs) ?? ageMs)), t.questions.staleWhy];
}

function decided({ kind, decision }: QuestionView, t: Texts): string {
  if (!decision) return t.questions.decided.expire;
  const { option, by } = decision;
  if (kind === 'approve') return option === 'yes' ? t.questions.decided.approve(by) : t.questions.decided.reject(by);
  return option === 'yes' ? t.questions.decided.run(by) : t.questions.decided.dismiss(by);
}

const fieldsOf = ({ command, asker, targets }: QuestionView, t: Texts) => [
  { name: t.questions.action, value: command.action },
  { name: t.questions.targets, value: targets === undefined ? command.on : t.facts([command.on, t.hosts(targets)]) },
  { name: t.questions.asker, value: asker.name },
];

/** The command with its other arguments, or the arguments; `left`: characters that are not shown, which who decides must know of. */
function whatIsRun({ args }: QuestionView['command']): { readonly code: readonly ChatCode[]; readonly left: number } {
  const command = commandOf({ args });
  const { command: _command, script: _script, ...others } = args;
  const rest = command === undefined ? args : others;
  const parts = [command ?? '', Object.keys(rest).length > 0 ? JSON.stringify(rest, undefined, 2) : ''];
  const clean = parts.map((part) => cleanOutput(part, { ansi: false }));
  let room = codeCharacters;
  const code = clean.flatMap((part) => {
    const text = clip(part, room);
    room -= text.length;
    return text === '' ? [] : [{ text }];
  });
  return { code, left: Math.max(0, clean.join('').length - codeCharacters) };
}
