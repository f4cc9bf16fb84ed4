/** Why a command is not understood, for machines: `details.hint` of MOLT_CHAT_COMMAND. `meant` is what was probably meant. */
export type CommandHint =
  | { readonly kind: 'empty' }
  | { readonly kind: 'unknown-verb'; readonly word: string; readonly meant?: string | undefined }
  | { readonly kind: 'unknown-option'; readonly word: string; readonly meant?: string | undefined }
  | {
      readonly kind: 'unknown-argument';
      readonly action: string;
      readonly word: string;
      readonly known: readonly string[];
      readonly meant?: string | undefined;
    }
  | { readonly kind: 'missing-arguments'; readonly action: string; readonly names: readonly string[] }
  | {
      readonly kind: 'bad-argument';
      readonly name: string;
      readonly word: string;
      readonly expected: ValueKind;
      readonly choices?: readonly string[] | undefined;
      readonly meant?: string | undefined;
    }
  | { readonly kind: 'missing-on' | 'missing-command' | 'text-after-code' | 'block-after-dashes' | 'spaced-equals' }
  | { readonly kind: 'missing-value' | 'repeated' | 'bad-timeout' | 'bad-task' | 'bad-language'; readonly word: string }
  | { readonly kind: 'unclosed' | 'text-after-quote'; readonly quote: string }
  | { readonly kind: 'many-scripts'; readonly names: readonly string[] }
  | { readonly kind: 'command-and-script'; readonly name: string }
  | { readonly kind: 'empty-script'; readonly name: string }
  | { readonly kind: 'takes-no-command'; readonly action: string }
  | { readonly kind: 'fixed-on'; readonly alias: string; readonly on: string }
  /** A mistake of the configuration: the word cannot be put there and stay one word. */
  | { readonly kind: 'bad-alias'; readonly alias: string; readonly place: string }
  /** Words are missing or too many. */
  | { readonly kind: 'usage'; readonly usage: string };

export type ValueKind = 'integer' | 'number' | 'boolean' | 'list' | 'object' | 'choice' | 'other';
