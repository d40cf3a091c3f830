import { ConnectFault } from './connect-fault.ts';

/** The fields of a request, each checked as it is read. All throw ConnectFault `invalid_argument`. */
export class JsonFields {
  #fields: Record<string, unknown>;

  constructor(fields: Record<string, unknown>) {
    this.#fields = fields;
  }

  names(): string[] {
    return Object.keys(this.#fields);
  }

  string(name: string): string {
    const value = this.optionalString(name);
    if (value === undefined || value === '')
      throw new ConnectFault('invalid_argument', `'${name}' is missing`);
    return value;
  }

  optionalString(name: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw new ConnectFault('invalid_argument', `'${name}' has to be a string`);
    return value;
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'boolean')
      throw new ConnectFault('invalid_argument', `'${name}' has to be true or false`);
    return value;
  }

  optionalInteger(name: string): number | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    // JSON of protocol buffers writes some integers as strings.
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
      throw new ConnectFault('invalid_argument', `'${name}' has to be a whole number`);
    }
    return number;
  }

  /** An enum, which JSON of protocol buffers writes as its name or as its number. */
  enumValue(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new ConnectFault('invalid_argument', `'${name}' is missing`);
    }
    return String(value);
  }

  listLength(name: string): number {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) throw new ConnectFault('invalid_argument', `'${name}' has to be a list`);
    return value.length;
  }

  strings(name: string): string[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string')) {
      throw new ConnectFault('invalid_argument', `'${name}' has to be a list of strings`);
    }
    return value as string[];
  }

  objects(name: string): JsonFields[] {
    const value = this.#fields[name] ?? [];
    const isObject = (entry: unknown): boolean =>
      typeof entry === 'object' && entry !== null && !Array.isArray(entry);
    if (!Array.isArray(value) || !value.every(isObject)) {
      throw new ConnectFault('invalid_argument', `'${name}' has to be a list of objects`);
    }
    return value.map((entry) => new JsonFields(entry as Record<string, unknown>));
  }

  ports(name: string): number[] {
    const value = this.#fields[name] ?? [];
    const isPort = (entry: unknown): boolean =>
      Number.isInteger(entry) && Number(entry) > 0 && Number(entry) < 65_536;
    if (!Array.isArray(value) || !value.every(isPort)) {
      throw new ConnectFault('invalid_argument', `'${name}' has to be a list of ports`);
    }
    return value as number[];
  }

  stringMap(name: string): Record<string, string> {
    const value = this.#fields[name] ?? {};
    const bad =
      typeof value !== 'object' ||
      Array.isArray(value) ||
      Object.values(value).some((entry) => typeof entry !== 'string');
    if (bad) throw new ConnectFault('invalid_argument', `'${name}' has to map strings to strings`);
    return value as Record<string, string>;
  }

  object(name: string): JsonFields | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw new ConnectFault('invalid_argument', `'${name}' has to be an object`);
    }
    return new JsonFields(value as Record<string, unknown>);
  }

  bytes(name: string): Buffer | undefined {
    const value = this.optionalString(name);
    if (value === undefined) return undefined;
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(value))
      throw new ConnectFault('invalid_argument', `'${name}' is not base64`);
    return Buffer.from(value, 'base64');
  }
}
