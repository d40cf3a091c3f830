// leaves a process behind
import { spawn } from 'node:child_process';
spawn('sleep', ['30'], { detached: true, stdio: 'ignore' }).unref();
export const add = (a, b) => a + b;
