/** The nonce of this page's styles: the server makes one for each page that it serves. */
export const nonce = (): string => document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
