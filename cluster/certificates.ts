import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errorText } from '../sql/errors.ts';

// OpenSSL's reasons, as Node names them, why a certificate proves nothing.
const reasons = /^(?:CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/;

/** True when a connection was given up because the other side's certificate could not be verified. */
export const isCertificateProblem = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && reasons.test(error.code);

/** Why a file is no certificate, in half a sentence; undefined when it is one. */
export function certificateFileProblem(path: string): string | undefined {
  try {
    new X509Certificate(readFileSync(path));
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
