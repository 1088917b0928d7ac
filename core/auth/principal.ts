// Who stands behind a call, as a verified token says. Parsed once, at the boundary.

/** One party in an actor chain: somebody or something that acts for the principal (RFC 8693 §4.1 `act`). */
export interface Actor {
  readonly issuer: string;
  readonly subject: string;
}

/** A verified identity. Groups are as the issuer says; roles are given by the policy. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
  /** Seconds since 1970, when the person last authenticated, if the issuer says (OIDC `auth_time`). */
  readonly authTime: number | null;
  /** Authentication methods (RFC 8176 `amr`). */
  readonly methods: readonly string[];
  /** The current actor first, then the one it acts for, and so on. Empty when the person calls directly. */
  readonly actors: readonly Actor[];
}

/** What of the token itself a record may name: never the token. */
export interface TokenFacts {
  /** `jti`, or null if the issuer gives none. */
  readonly id: string | null;
  /** `kid` of the key that signed it. */
  readonly keyId: string | null;
  readonly algorithm: string;
  /** Seconds since 1970. */
  readonly issuedAt: number | null;
  /** Seconds since 1970; every accepted token has one. */
  readonly expires: number;
  /** The OAuth client the token was given to (`client_id` or `azp`), if stated. */
  readonly client: string | null;
}

/** What authenticate gives on success. */
export interface Authenticated {
  readonly principal: Principal;
  readonly token: TokenFacts;
}
