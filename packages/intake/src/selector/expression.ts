/** A parsed selector. `text` is the part of the source it was read from, for messages. */
export type Expression =
  | { readonly kind: 'name'; readonly pattern: string; readonly text: string }
  | {
      readonly kind: 'label';
      readonly key: string;
      readonly pattern: string;
      readonly negated: boolean;
      readonly text: string;
    }
  | { readonly kind: 'not'; readonly part: Expression; readonly text: string }
  | { readonly kind: 'all-of'; readonly parts: readonly Expression[]; readonly text: string }
  | { readonly kind: 'any-of'; readonly parts: readonly Expression[]; readonly text: string };
