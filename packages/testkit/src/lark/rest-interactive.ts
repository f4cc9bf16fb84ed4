import type { Callbacks } from './callbacks.ts';
import { textOf } from './fields.ts';
import { type Route, route } from './router.ts';

/** https://open.feishu.cn/document/ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN */
export function createInteractiveRoutes(callbacks: Callbacks): readonly Route[] {
  return [
    route('POST', '/interactive/v1/card/update', {
      scopes: [],
      handle({ app, fields }) {
        callbacks.updateLater(app, textOf(fields['token']), fields['card']);
        return { body: { code: 0, msg: 'ok' } };
      },
    }),
  ];
}
