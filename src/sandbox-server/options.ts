/** What one sandbox may use. */
export interface SandboxLimits {
  /** Memory of all its processes together, in MiB. Default 1024. */
  memoryMb: number;
  /** Processes and threads at a time. Default 256. */
  processes: number;
  /** Size of its home folder, in MiB. Default 512. */
  homeMb: number;
  /** Size of its /tmp, in MiB. Default 256. */
  tmpMb: number;
  /** Open files per process. Default 1024. */
  openFiles: number;
  /** Size of each volume, in MiB. Default 1024. */
  volumeMb: number;
}

export const DEFAULT_LIMITS: SandboxLimits = {
  memoryMb: 1024,
  processes: 256,
  homeMb: 512,
  tmpMb: 256,
  openFiles: 1024,
  volumeMb: 1024,
};

/** Something that sandboxes are made from: a set of packages, of which its zygote has imported those of Python. */
export interface TemplateOptions {
  name: string;
  /** Other names that mean this template. */
  aliases?: string[];
  /** Folder with its Python packages; none for the bare interpreter. */
  sitePackages?: string;
  /** Folder with its npm packages, which programs in any folder find. Default none. */
  nodeModules?: string;
}

/** How a sandbox server is to run. */
export interface SandboxServerOptions {
  /** Port to listen on; 0 takes a free one. Default 0. */
  port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** What `PORT-ID.` is put before to name a server in a sandbox, with its port where that is not 443. Default `localhost:PORT` for clients on the machine itself. */
  domain?: string;
  /** Certificate and key, each PEM text: then it speaks HTTPS, with HTTP/2. */
  tls?: { cert: string; key: string };
  /** Key that clients send as `X-API-KEY`. */
  apiKey: string;
  /** Folder for sockets and the record of processes; made if missing, to be used by one server at a time. */
  stateDir: string;
  /** Sandboxes at a time; one more is refused with 429. Default 100. */
  maxSandboxes?: number;
  /** Size of all snapshots, built templates and layers of builds together, in MiB. Default 10240. */
  imagesMb?: number;
  /** Sandboxes of the default template to start before they are asked for. Default 0. */
  warm?: number;
  /** The bubblewrap binary. Default `bwrap` on PATH. */
  bwrapPath?: string;
  /** The Python interpreter that templates run on. Default `python3` on PATH. */
  python?: string;
  /** The Node binary for JavaScript and TypeScript. Default the one that runs the server. */
  nodePath?: string;
  /** Templates, the first of which is the default one. */
  templates: TemplateOptions[];
  /** Python programs (`name.py`) that each zygote runs at its start as the module `name`, which its sandboxes then have. Default none. */
  preloadPrograms?: string[];
  limits?: Partial<SandboxLimits>;
  /** Lets sandboxes that ask for it reach the internet. Default false: such a create is refused. */
  allowInternet?: boolean;
  /** Addresses and ranges of private networks that sandboxes with internet access may reach too, such as a mirror of packages. Default none. */
  allowAddresses?: string[];
  /** Name servers for the names that sandboxes look up, each `ADDRESS` or `ADDRESS:PORT`. Default the machine's own. */
  nameServers?: string[];
  /** Connections that all sandboxes together may have open to the outside. Default half of the files that the server may have open. */
  maxConnections?: number;
  /** Certificates as PEM text that prove to be a host of `network.rules`, beside those that Node takes for good. Default none. */
  trustedCertificates?: string;
}

/** E2B's own names for what a program gets that names no template, with `mcp` or without. */
export const DEFAULT_TEMPLATE_ALIASES = ['default', 'base', 'code-interpreter-v1', 'mcp-gateway'];
