/** What the platform gives a colour. */
export type Tone = 'working' | 'success' | 'failure' | 'warning' | 'neutral';

/**
 * A message as every platform can show it. All texts are plain: adapters escape them, so that nothing in a command, a host name or an
 * output is a mention, a link or markup.
 */
export interface ChatMessage {
  readonly tone: Tone;
  /** One line, at most 200 characters. */
  readonly title?: string | undefined;
  /** Paragraphs; at most 1,500 characters together. */
  readonly text?: readonly string[] | undefined;
  /** At most 20; their values at most 500 characters each, 2,000 together. */
  readonly fields?: readonly ChatField[] | undefined;
  /** Output and commands, in a fixed-width font. */
  readonly code?: readonly ChatCode[] | undefined;
  readonly table?: ChatTable | undefined;
  /** At most 10, to pages of the web. */
  readonly links?: readonly { readonly title: string; readonly url: string }[] | undefined;
  /** At most 10. */
  readonly buttons?: readonly ChatButton[] | undefined;
  /** One line of small print, at most 200 characters. */
  readonly footer?: string | undefined;
}

export interface ChatField {
  readonly name: string;
  readonly value: string;
}

export interface ChatCode {
  readonly label?: string | undefined;
  /** May hold escape sequences for colours (SGR); others are gone. */
  readonly text: string;
}

/** At most 12 rows of at most 4 columns; cells of one line and 60 characters. */
export interface ChatTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ChatButton {
  /** `<verb>:<id>`, at most 100 characters: all that comes back when it is pressed. */
  readonly id: string;
  /** At most 80 characters. */
  readonly label: string;
  readonly style: 'primary' | 'neutral' | 'danger';
}
