/**
 * No text becomes HTML: the server's policy has browsers ask this before anything is written as HTML or run as script.
 * Only what cannot hold a tag passes, which is what Mantine writes into its style elements.
 */

interface Policies {
  createPolicy(name: "default", rules: { createHTML: (text: string) => string | null }): void;
}

const { trustedTypes } = window as { trustedTypes?: Policies };
trustedTypes?.createPolicy("default", { createHTML: (text) => (text.includes("<") ? null : text) });
