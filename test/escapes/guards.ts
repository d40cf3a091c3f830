/** A change of one file of the sandbox server: what is there, and what takes its place. */
export type Change = [file: string, from: string, to: string];

const SHARED_FLAGS = `flags = linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWPID`;
const without = (name: string): Change => [
  'guest/namespaces.py',
  SHARED_FLAGS,
  SHARED_FLAGS.replace(new RegExp(` \\| linux\\.${name}|linux\\.${name} \\| `), ''),
];

const WITHOUT_FILTER: Change = [
  'guest/supervisor.py',
  'seccomp_filter.apply()',
  'linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)',
];
const WITHOUT_COUNTS: Change = ['guest/namespaces.py', '    bound(settings)\n', ''];

/** How each guard is taken away, and nothing else. Only ever inside an outer sandbox. */
export const GUARDS: Record<string, Change[]> = {
  seccomp: [WITHOUT_FILTER],
  // Two walls, the second of which holds even without the first.
  'seccomp-and-counts': [WITHOUT_FILTER, WITHOUT_COUNTS],
  'shared-counts': [WITHOUT_COUNTS],
  network: [
    ['guest/holder.py', `'--unshare-net', `, ''],
    ['link/nest-args.ts', `'--unshare-net', `, ''],
    without('CLONE_NEWNET'),
  ],
  'no-internet': [
    ['guest/supervisor.py', `if request.get('internet'):`, 'if True:'],
    ['ways-out.ts', 'if (!request.internet || !this.#outside) return;', 'if (!this.#outside) return;'],
  ],
  'private-addresses': [
    [
      'egress/address-rules.ts',
      'return !contains(this.#excepted, plain) && this.#isPrivate(plain);',
      'return false;',
    ],
  ],
  'outbound-rules': [
    ['egress/address-rules.ts', 'if (!contains(addressList(bothFamilies(denyOut)), plain)) return', 'return'],
  ],
  'unlisted-names': [
    ['egress/name-server.ts', 'if (!addresses.mayBeReached(name, rules)) return fault(RCODE.refused);', ''],
  ],
  'host-of-a-rule': [
    [
      'egress/onward-request.ts',
      'if (name.toLowerCase() !== host || Number(given) !== port) {',
      'if (name === host.toUpperCase()) {',
    ],
    ['egress/onward-request.ts', `if (!url.startsWith('/') && url !== '*')`, `if (url === '')`],
  ],
  'proof-of-a-host': [['egress/upstream.ts', 'rejectUnauthorized: true', 'rejectUnauthorized: false']],
  'secrets-by-https': [
    [
      'egress/onward-request.ts',
      'if (!isSecure && secretsIn(text).length > 0) {',
      'if (isSecure && secretsIn(text).length > 9) {',
    ],
  ],
  'value-outside': [
    [
      'egress/egress.ts',
      `.call('egress.trust', { certificate })`,
      ".call('egress.trust', { certificate: `${certificate}${this.#writing.secretOf('escape-key')}` })",
    ],
  ],
  'authority-outside': [
    [
      'egress/certificate-authority.ts',
      'new CertificateAuthority({ certificate, keys,',
      'new CertificateAuthority({ certificate: certificate + hostKeyPem, keys,',
    ],
  ],
  'connection-count': [
    ['guest/egress.py', 'MAX_CONNECTIONS = 256', 'MAX_CONNECTIONS = 10_000'],
    ['egress/connection-budget.ts', 'MAX_OWN_CONNECTIONS = 320', 'MAX_OWN_CONNECTIONS = 10_000'],
  ],
  'names-pace': [['egress/name-server.ts', 'await this.#pace.turn();', '']],
  processes: [
    ['guest/holder.py', `'--unshare-pid', `, ''],
    ['guest/holder.py', `'--as-pid-1', `, ''],
    without('CLONE_NEWPID'),
  ],
  mounts: [
    [
      'guest/holder.py',
      `'--ro-bind', '/opt', '/opt', '--ro-bind', '/etc', '/etc'`,
      `'--bind', '/opt', '/opt', '--bind', '/etc', '/etc'`,
    ],
    ['guest/holder.py', `'--remount-ro', '/', `, ''],
    ['guest/holder.py', `, '--remount-ro', '/dev'`, ''],
    ['guest/supervisor.py', '            seal_devices()\n', ''],
  ],
  'private-folders': [
    [
      'guest/holder.py',
      `'--perms', '1777', '--size', str(limits.tmp_mb * MB), '--tmpfs', '/dev/shm'`,
      `'--bind', '/dev/shm', '/dev/shm'`,
    ],
    [
      'guest/holder.py',
      `'--perms', '1777', '--size', str(limits.tmp_mb * MB), '--tmpfs', '/tmp'`,
      `'--bind', '/tmp', '/tmp'`,
    ],
    ['guest/holder.py', `'/tmp': limits.tmp_mb, '/dev/shm': limits.tmp_mb, `, ''],
  ],
  'host-files': [
    ['link/nest-args.ts', `['--dev', '/dev',`, `['--ro-bind', '/srv', '/srv', '--dev', '/dev',`],
    [
      'guest/holder.py',
      `'--perms', '0755', '--dir', '/run',`,
      `'--perms', '0755', '--dir', '/run', '--ro-bind', '/srv', '/srv',`,
    ],
  ],
  'own-volume': [
    ['guest/holder.py', `f'{VOLUMES}/{volume["id"]}', volume['path']]`, `VOLUMES, volume['path']]`],
  ],
  'volume-size': [
    ['volumes/volumes.ts', 'return this.#deps.volumeMb * MB', 'return this.#deps.volumeMb * MB * 64'],
  ],
  'server-socket': [
    [
      'guest/holder.py',
      `'--perms', '0755', '--dir', '/run',`,
      `'--perms', '0755', '--dir', '/run', '--bind', '/run/assay', '/run/assay',`,
    ],
  ],
  environment: [
    ['link/nest.ts', 'env: {},', 'env: process.env,'],
    ['link/nest-args.ts', `, '--clearenv'`, ''],
    ['guest/supervisor.py', 'os.environ.clear()', 'pass'],
    [
      'guest/environment.py',
      `'E2B_SANDBOX': 'true',`,
      `'E2B_SANDBOX': 'true', **{k: v for k, v in os.environ.items() if 'SECRET' in k},`,
    ],
  ],
  descriptors: [
    [
      'guest/spawn.py',
      '        command = [*prlimit_command',
      '        os.set_inheritable(sandbox.fdinfo, True)\n        command = [*prlimit_command',
    ],
  ],
  'zygote-memory': [
    [
      'link/nest.ts',
      `return createHmac('sha256', this.#nameKey).update(sandboxId).digest('hex').slice(0, 24);`,
      'return sandboxId;',
    ],
    [
      'sandbox-starter.ts',
      `        token,\n        limits,`,
      `        token,\n        envs,\n        limits,`,
    ],
    [
      'link/nest-args.ts',
      `'ASSAY_TEMPLATE', parts.template]`,
      `'ASSAY_TEMPLATE', parts.template, '--setenv', 'ASSAY_TOKEN', 'token']`,
    ],
  ],
  'masked-files': [['guest/holder.py', '*masks(), ', '']],
  capabilities: [['guest/supervisor.py', 'linux.drop_capabilities()', 'pass']],
  'boot-id': [['guest/holder.py', `'--ro-bind-data', str(BOOT_ID), '/proc/sys/kernel/random/boot_id', `, '']],
  'host-name': [
    ['guest/holder.py', `'--hostname', 'sandbox', `, ''],
    ['guest/holder.py', `'--unshare-uts', `, ''],
    without('CLONE_NEWUTS'),
  ],
  ipc: [['guest/holder.py', `'--unshare-ipc', `, ''], without('CLONE_NEWIPC')],
  sizes: [
    [
      'guest/limits.py',
      'known = {names[key]: int(value[key])',
      `known = {names[key]: int(value[key]) * (64 if key in ('homeMb', 'tmpMb') else 1)`,
    ],
  ],
  limits: [
    [
      'guest/limits.py',
      'def resources(limits: Limits) -> dict:',
      `def resources(limits: Limits) -> dict:\n    return {'core': 0}\n\n\ndef unused(limits: Limits) -> dict:`,
    ],
    ['guest/limits.py', `f'--data={soft}:{hard}', `, ''],
    ['guest/limits.py', 'resource.setrlimit(resource.RLIMIT_DATA, (own + soft, own + hard))', 'pass'],
  ],
  memory: [
    ['guest/memory.py', '    def arm(self):', '    def arm(self):\n        return\n\n    def unused(self):'],
  ],
  'kernel-memory': [
    ['guest/memory.py', 'held = held_by_kernel(pids, self.sockets)', 'held = dict.fromkeys(pids, 0)'],
    ['guest/memory.py', `(b'RssAnon:', b'RssShmem:', b'VmPTE:')`, `(b'RssAnon:', b'RssShmem:')`],
  ],
};
