import { textsOf } from '../values.ts';
import type { Values } from '../values.ts';

/** What nobody but an attacker reads: others' memory and environment, the kernel, credentials, the container's own daemon. */
const SECRET = [
  /^\/proc\/(?:self|thread-self|\d+|\$\$|\*)\/(?:mem|environ|root|ns|pagemap|map_files|task\/\d+\/mem)(?:\/|$)/,
  /^\/proc\/(?:kcore|kmem|kallsyms|sysrq-trigger|kmsg)$/,
  /^\/dev\/(?:mem|kmem|port|kmsg|sd[a-z]\d*|vd[a-z]\d*|xvd[a-z]\d*|nvme\d\S*|hd[a-z]\d*|mapper\/\S+)$/,
  /^\/etc\/(?:shadow-?|gshadow-?|sudoers(?:\.d.*)?)$/,
  /\/(?:docker|containerd\/containerd|crio\/crio|podman\/podman)\.sock$/,
  /(?:^|\/)\.ssh\/(?:id_\w+|authorized_keys|identity)$/,
  /(?:^|\/)\.(?:aws\/credentials|kube\/config|docker\/config\.json|netrc|git-credentials|gnupg\/.*)$/,
  /(?:^|\/)\.config\/gcloud\/(?:.*credentials.*|legacy_credentials.*)$/,
  /^\/(?:var\/)?run\/secrets\/kubernetes\.io(?:\/|$)/,
];
const SYSTEM_WRITE =
  /^\/(?:proc|sys)\/|^\/etc\/(?:passwd|group|shadow|sudoers|crontab|cron\.|ld\.so\.|profile|hosts$|init|systemd)|\/release_agent$|^\/(?:boot|lib|lib64|sbin|usr\/s?bin|bin)\//;
const METADATA =
  /(?<![\d.])169\.254\.169\.254(?![\d])|(?<![\d.])169\.254\.170\.2(?![\d])|metadata\.google\.internal|(?<![\d.])100\.100\.100\.200(?![\d])|fd00:ec2::254|\/\/(?:2852039166|0xa9fea9fe|0251\.0376\.0251\.0376|0xa9\.0xfe\.0xa9\.0xfe|\[::ffff:(?:169\.254\.169\.254|a9fe:a9fe)\])/i;
const MINING =
  /stratum\+(?:tcp|ssl|tls):\/\/|(?:^|\/)(?:xmrig|minerd|cpuminer|ethminer|cgminer|nbminer)(?:\s|$)/i;

/** A path without its detours: `//etc/./x/../shadow` is `/etc/shadow`. */
export function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.replace(/^file:\/\//, '').split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return (path.startsWith('/') || path.startsWith('file:///') ? '/' : '') + parts.join('/');
}

export const isSecretPath = (path: string): boolean =>
  path.length < 500 && SECRET.some((secret) => secret.test(plainPath(path)));
export const isSystemPath = (path: string): boolean =>
  path.length < 500 && SYSTEM_WRITE.test(plainPath(path));
export const isUserList = (path: string): boolean => /^\/etc\/(?:passwd|group)-?$/.test(plainPath(path));
export const namesMetadataService = (text: string): boolean => METADATA.test(text);
export const namesMining = (text: string): boolean => MINING.test(text);

/** True when one of the values is a text that fits. */
export function someText(values: Values | undefined, fits: (text: string) => boolean): boolean {
  return values !== undefined && textsOf(values).some(fits);
}

/** A folder whose removal takes more than the job's own files with it. */
export function isVital(path: string): boolean {
  if (/^(?:~|\$\{?HOME\}?)\/?\*?$/.test(path)) return true;
  return (
    path.startsWith('/') &&
    /^\/(?:\*|(?:etc|usr|var|bin|sbin|lib|lib64|boot|home|root|dev|proc|sys|opt)(?:\/\*)?)?$/.test(
      plainPath(path),
    )
  );
}
