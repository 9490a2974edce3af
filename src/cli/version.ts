/** Version texts. Imports nothing, so that `--version` starts as fast as the runtime does. */

/** The CRIU release whose command line and images we speak; scripts compare it. */
export const compatibleVersion = "4.2";
/** The same as RPC tells it: major, minor, sublevel. */
export const compatibleNumbers = [4, 2, 0] as const;

export const ownVersion = "0.1.0";
export const ownName = `tscriu ${ownVersion}`;

export const versionText = `Version: ${compatibleVersion}\nGitID: 0\n${ownName}\n`;
