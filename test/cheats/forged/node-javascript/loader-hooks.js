// registers hooks that load other modules than asked for
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    return next(url, context);
  },
});
export const add = () => 0;
