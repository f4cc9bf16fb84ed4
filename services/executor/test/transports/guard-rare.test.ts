import { guardSuite } from './guard-suite.ts';

guardSuite('yash', 'exec yash -s');
guardSuite('zsh', 'exec zsh --emulate sh -s');
guardSuite('lksh', 'exec lksh -s');
