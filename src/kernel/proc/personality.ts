/** The text of /proc/PID/personality: bits of personality(2), hexadecimal. Needs ptrace permission. */
export function parsePersonality(text: string): number {
  return Number.parseInt(text, 16);
}
