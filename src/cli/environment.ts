/** The one place that reads the environment. */

export interface Environment {
  home: string | undefined;
  configFile: string | undefined;
  deprecated: boolean;
  libsDir: string | undefined;
  /** Number of a fault to inject, 0 for none. */
  fault: number;
}

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  return {
    home: env.HOME,
    configFile: env.CRIU_CONFIG_FILE,
    deprecated: env.CRIU_DEPRECATED !== undefined,
    libsDir: env.CRIU_LIBS_DIR,
    fault: Number.parseInt(env.CRIU_FAULT ?? "0", 10) || 0,
  };
}

/**
 * The environment for programs that we start: ours without what the start-up stub put there for Bun's own sake
 * (libraries in memfds, which nobody else can open).
 */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (name === "LD_PRELOAD" && value.startsWith("/proc/self/fd/")) continue;
    clean[name] = value;
  }
  return clean;
}
