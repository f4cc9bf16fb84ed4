/** A card of version 2.0. https://open.feishu.cn/document/feishu-cards/card-json-v2-structure */
export interface Card {
  readonly schema: '2.0';
  readonly config: CardSettings;
  readonly header?: CardHeader;
  readonly body: { readonly elements: readonly CardElement[] };
}

interface CardSettings {
  /** All who see it see the same. */
  readonly update_multi: true;
  /** Text that comes bit by bit is shown as if it were typed. No callback can change the card meanwhile. */
  readonly streaming_mode: boolean;
  readonly streaming_config?: object;
  /** What the list of chats shows. */
  readonly summary: { readonly content: string };
}

interface CardHeader {
  readonly title: PlainText;
  readonly template: 'blue' | 'green' | 'red' | 'orange' | 'grey';
}

export interface PlainText {
  readonly tag: 'plain_text';
  readonly content: string;
  readonly text_size?: 'notation';
  readonly text_color?: 'grey';
}

export interface CardElement {
  readonly tag: string;
  /** A letter, then letters, digits and _; at most 20. */
  readonly element_id?: string;
  readonly content?: string;
  readonly [more: string]: unknown;
}
