import type { CommandEvent } from '../events.ts';
import {
  isSecretPath,
  isSystemPath,
  isUserList,
  isVital,
  namesMetadataService,
  namesMining,
} from './places.ts';
import { type Trigger, onCommand, onOddity } from './trigger.ts';

const FETCHERS = new Set(['curl', 'wget', 'fetch', 'lynx', 'nc', 'ncat', 'netcat', 'aria2c', 'http', 'xh']);
const DECODERS = new Set([
  'base64',
  'base32',
  'xxd',
  'openssl',
  'rev',
  'gunzip',
  'zcat',
  'uudecode',
  'gzip',
  'xz',
  'bunzip2',
]);
const SHELLS = new Set(['sh', 'bash', 'zsh', 'dash', 'ksh', 'ash']);
const INTERPRETERS = [
  ...SHELLS,
  'python',
  'python3',
  'python2',
  'perl',
  'ruby',
  'node',
  'php',
  'eval',
  'source',
  '.',
];
/** Commands that only print their arguments. */
const PRINTERS = new Set([
  'echo',
  'printf',
  ':',
  'true',
  'test',
  '[',
  '[[',
  'local',
  'export',
  'declare',
  'readonly',
]);
const DANGEROUS = new Set([
  'rm',
  'sh',
  'bash',
  'zsh',
  'dash',
  'curl',
  'wget',
  'nc',
  'ncat',
  'dd',
  'chmod',
  'chown',
  'kill',
  'eval',
  'sudo',
  'su',
  'cat',
  'base64',
  'mkfs',
  'shred',
  'nsenter',
  'unshare',
  'mount',
  'python',
  'perl',
  'whoami',
  'id',
  'source',
  'exec',
]);

const words = (event: CommandEvent): string[] => event.args.filter((arg): arg is string => arg !== undefined);
const operands = (event: CommandEvent): string[] => words(event).filter((word) => !word.startsWith('-'));
const hasFlag = (event: CommandEvent, letters: RegExp, long: RegExp): boolean =>
  words(event).some((word) => (/^-[A-Za-z]+$/.test(word) && letters.test(word)) || long.test(word));

/** True when an interpreter takes its program from its input or from an argument that runs commands. */
const takesInput = (event: CommandEvent): boolean => {
  const plain = operands(event);
  return (
    event.name === 'eval' ||
    event.name === 'source' ||
    event.name === '.' ||
    plain.length === 0 ||
    words(event).some((word) => /^-\w*[ces]\w*$/.test(word)) ||
    plain.some((word) => word.startsWith('<(') || word === '/dev/stdin' || word === '-')
  );
};
const fedBy = (event: CommandEvent, names: ReadonlySet<string>): boolean =>
  event.fedBy.some((name) => names.has(name));
const removesVital = (event: CommandEvent): boolean =>
  hasFlag(event, /[rR]/, /^--(?:recursive|no-preserve-root)$/) && operands(event).some(isVital);
const isDevice = (path: string): boolean => /^\/dev\/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|mapper)/.test(path);
const killsOthers = (event: CommandEvent): boolean => {
  const all = words(event);
  const targets = all.filter(
    (word, at) =>
      !(at === 0 && /^-(?:\d+|[A-Z]+)$/.test(word) && all.length > 1) &&
      word !== '--' &&
      !(all[at - 1] === '-s' || word === '-s'),
  );
  return targets.some((word) => word === '1' || word === '-1' || word === '$PPID' || word === '${PPID}');
};
const setsUserId = (event: CommandEvent): boolean =>
  words(event).some((word) => /^[ugoa]*\+[rwx]*s/.test(word) || /^[2467][0-7]{3}$/.test(word));

export const BASH_TRIGGERS: readonly Trigger[] = [
  onOddity('no-fork-bomb', ['A function that starts itself in the background', 'The script that starts itself without end']),
  onOddity('no-reverse-shell', ['A connection opened by /dev/tcp']),
  onOddity('no-file-write', ['A redirection outside the working folder']),
  onCommand('no-hidden-code', INTERPRETERS, (event) => takesInput(event) && fedBy(event, DECODERS)),
  onCommand('no-hidden-code', ['*'], (event) => event.built && DANGEROUS.has(event.name)),
  onCommand('no-remote-code', INTERPRETERS, (event) => takesInput(event) && fedBy(event, FETCHERS)),
  onCommand('no-reverse-shell', ['nc', 'ncat', 'netcat'], (event) => hasFlag(event, /[ec]/, /^--(?:exec|sh-exec|lua-exec)/) || fedBy(event, SHELLS)),
  onCommand('no-reverse-shell', ['telnet', 'openssl'], (event) => fedBy(event, SHELLS)),
  onCommand('no-reverse-shell', ['socat'], (event) => words(event).some((word) => /^(?:EXEC|SYSTEM|SHELL):/i.test(word))),
  onCommand('no-destructive-command', ['rm'], removesVital),
  onCommand('no-destructive-command', ['rm'], (event) => words(event).includes('--no-preserve-root')),
  onCommand('no-destructive-command', ['chmod', 'chown', 'chgrp'], removesVital),
  onCommand('no-destructive-command', ['find'], (event) => isVital(words(event)[0] ?? '') && words(event).some((word) => word === '-delete' || word === 'rm' || word === 'shred')),
  onCommand('no-destructive-command', ['dd'], (event) => words(event).some((word) => word.startsWith('of=') && isDevice(word.slice(3)))),
  onCommand('no-destructive-command', ['*'], (event) => /^(?:mkfs(?:\.\w+)?|wipefs|blkdiscard|sfdisk)$/.test(event.name)),
  onCommand('no-destructive-command', ['shred', 'mv', 'cp', 'truncate'], (event) => operands(event).some((word, at) => isDevice(word) || (at === 0 && event.name === 'mv' && isVital(word)))),
  onCommand('no-destructive-command', ['>'], (event) => event.writesTo.some(isDevice)),
  onCommand('no-sensitive-path', ['*'], (event) => !PRINTERS.has(event.name) && [...words(event), ...event.readsFrom, ...event.writesTo].some(isSecretPath)),
  onCommand('no-sensitive-path', ['>'], (event) => event.writesTo.some(isSystemPath)),
  onCommand('no-sensitive-path', ['tee'], (event) => words(event).some(isSystemPath)),
  onCommand('no-credential-listing', ['*'], (event) => !PRINTERS.has(event.name) && [...words(event), ...event.readsFrom].some(isUserList)),
  onCommand('no-credential-listing', ['getent'], (event) => /^(?:passwd|shadow|group)$/.test(words(event)[0] ?? '') && words(event).length === 1),
  onCommand('no-metadata-service', ['*'], (event) => !PRINTERS.has(event.name) && event.name !== 'grep' && words(event).some(namesMetadataService)),
  onCommand('no-crypto-mining', ['*'], (event) => !PRINTERS.has(event.name) && (namesMining(event.name) || words(event).some((word) => word.includes('stratum+')))),
  onCommand('no-process-tampering', ['kill'], killsOthers),
  onCommand('no-process-tampering', ['killall5']),
  onCommand('no-process-tampering', ['gdb', 'strace', 'ltrace'], (event) => hasFlag(event, /p/, /^--(?:pid|attach)/)),
  onCommand('no-privilege-escalation', ['unshare', 'nsenter', 'insmod', 'modprobe', 'rmmod', 'setcap', 'chroot', 'pivot_root', 'mknod', 'kexec', 'capsh', 'visudo', 'iptables', 'nft', 'setenforce']),
  onCommand('no-privilege-escalation', ['mount'], (event) => operands(event).length > 0),
  onCommand('no-privilege-escalation', ['chmod'], setsUserId),
  onCommand('no-privilege-escalation', ['sysctl'], (event) => words(event).some((word) => word === '-w' || word.includes('='))),
  onCommand('no-superuser', ['sudo', 'su', 'doas', 'pkexec', 'runuser']),
  onCommand('no-eval', ['eval', 'source', '.']),
  onCommand('no-eval', [...SHELLS], (event) => words(event).some((word) => /^-\w*c/.test(word))),
  onCommand('no-network', ['curl', 'wget', 'nc', 'ncat', 'netcat', 'ssh', 'scp', 'sftp', 'ftp', 'telnet', 'rsync', 'dig', 'nslookup', 'host', 'ping', 'socat', 'aria2c', 'nmap', 'ssh-keyscan', 'traceroute']),
  onCommand('no-file-write', ['rm', 'mv', 'dd', 'truncate', 'shred', 'ln', 'chmod', 'chown', 'install', 'rmdir', 'unlink']),
]; // prettier-ignore
