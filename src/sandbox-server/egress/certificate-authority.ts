import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

import { BitString, Integer, OctetString, Utf8String, type BaseBlock } from 'asn1js';
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtKeyUsage,
  Extension,
  GeneralName,
  GeneralNames,
} from 'pkijs';

const NAME = 'Assay sandbox server';
const KEY = { name: 'ECDSA', namedCurve: 'P-256' };
const LIFE_MS = 10 * 365 * 24 * 60 * 60 * 1000;
const CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;
const MAX_HOSTS = 500;

/** Names of X.509's parts, by RFC 5280. */
const ID = {
  commonName: '2.5.4.3',
  keyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  issuerKeyIdentifier: '2.5.29.35',
  purposes: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
};
const USAGE = { certificates: 0x04, signatures: 0x80 };
const DNS_NAME = 2;

/** Vouches to sandboxes for the server, where that stands in for a host. Its key is in this process's memory alone and ends with it. */
export class CertificateAuthority {
  /** What is to be trusted, as PEM. */
  readonly certificate: string;
  #keys: webcrypto.CryptoKeyPair;
  #keyId: ArrayBuffer;
  /** One for all hosts: who has a certificate of one could ask for any other. */
  #hostKeys: webcrypto.CryptoKeyPair;
  #hostKeyPem: string;
  #contexts = new Map<string, Promise<SecureContext>>();

  private constructor(made: {
    certificate: string;
    keys: webcrypto.CryptoKeyPair;
    keyId: ArrayBuffer;
    hostKeys: webcrypto.CryptoKeyPair;
    hostKeyPem: string;
  }) {
    this.certificate = made.certificate;
    this.#keys = made.keys;
    this.#keyId = made.keyId;
    this.#hostKeys = made.hostKeys;
    this.#hostKeyPem = made.hostKeyPem;
  }

  /** Makes one, with a new key. */
  static async make(): Promise<CertificateAuthority> {
    const [keys, hostKeys] = await Promise.all([newKeys(), newKeys()]);
    const keyId = await keyIdOf(keys.publicKey);
    const certificate = await issue(NAME, keys.publicKey, keys.privateKey, [
      extension(
        ID.basicConstraints,
        new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema(),
        true,
      ),
      extension(ID.keyUsage, usage(USAGE.certificates), true),
      extension(ID.keyIdentifier, new OctetString({ valueHex: keyId })),
    ]);
    const hostKey = await webcrypto.subtle.exportKey('pkcs8', hostKeys.privateKey);
    const hostKeyPem = pem('PRIVATE KEY', hostKey);
    return new CertificateAuthority({ certificate, keys, keyId, hostKeys, hostKeyPem });
  }

  /** Whether what a server needs for a host has been made already. */
  knows(host: string): boolean {
    return this.#contexts.has(host);
  }

  /** What a server needs to pass for a host; the oldest are forgotten where it gets too many. */
  contextOf(host: string): Promise<SecureContext> {
    const known = this.#contexts.get(host) ?? this.#makeContext(host);
    this.#contexts.delete(host);
    this.#contexts.set(host, known);
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size > MAX_HOSTS && oldest !== undefined) this.#contexts.delete(oldest);
    return known;
  }

  async #makeContext(host: string): Promise<SecureContext> {
    return createSecureContext({ cert: await this.certificateOf(host), key: this.#hostKeyPem });
  }

  /** A certificate for a host, as PEM. */
  async certificateOf(host: string): Promise<string> {
    const names = new GeneralNames({ names: [new GeneralName({ type: DNS_NAME, value: host })] });
    const issuer = new AuthorityKeyIdentifier({ keyIdentifier: new OctetString({ valueHex: this.#keyId }) });
    return issue('sandbox egress', this.#hostKeys.publicKey, this.#keys.privateKey, [
      extension(ID.basicConstraints, new BasicConstraints({ cA: false }).toSchema(), true),
      extension(ID.keyUsage, usage(USAGE.signatures), true),
      extension(ID.purposes, new ExtKeyUsage({ keyPurposes: [ID.server] }).toSchema()),
      extension(ID.alternativeName, names.toSchema()),
      extension(ID.issuerKeyIdentifier, issuer.toSchema()),
    ]);
  }
}

async function issue(
  subject: string,
  publicKey: webcrypto.CryptoKey,
  issuerKey: webcrypto.CryptoKey,
  extensions: Extension[],
): Promise<string> {
  const certificate = new Certificate({ version: 2 });
  // Of 126 random bits, so that it is neither negative nor ever the same.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  certificate.serialNumber = new Integer({ valueHex: new Uint8Array(serial).buffer });
  certificate.subject.typesAndValues.push(commonName(subject));
  certificate.issuer.typesAndValues.push(commonName(NAME));
  certificate.notBefore.value = new Date(Date.now() - CLOCK_SKEW_MS);
  certificate.notAfter.value = new Date(Date.now() + LIFE_MS);
  certificate.extensions = extensions;
  await certificate.subjectPublicKeyInfo.importKey(publicKey);
  await certificate.sign(issuerKey, 'SHA-256');
  return pem('CERTIFICATE', certificate.toSchema(true).toBER());
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
}

async function keyIdOf(key: webcrypto.CryptoKey): Promise<ArrayBuffer> {
  const bytes = await webcrypto.subtle.exportKey('raw', key);
  return new Uint8Array(createHash('sha256').update(Buffer.from(bytes)).digest().subarray(0, 20)).buffer;
}

function commonName(value: string): AttributeTypeAndValue {
  return new AttributeTypeAndValue({ type: ID.commonName, value: new Utf8String({ value }) });
}

function extension(extnID: string, value: BaseBlock, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER() });
}

/** Of one bit in the first byte; what is behind it is left out. */
function usage(bit: number): BitString {
  const unusedBits = Math.log2(bit);
  return new BitString({ valueHex: new Uint8Array([bit]).buffer, unusedBits });
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
