/** Version texts. Imports nothing, so that `--version` starts as fast as the runtime does. */

/** The CRIU release whose command line and images we speak; scripts compare it. */
export const compatibleVersion = "4.2";

export const ownVersion = "0.1.0";

export const versionText = `Version: ${compatibleVersion}\nGitID: 0\ntscriu ${ownVersion}\n`;
