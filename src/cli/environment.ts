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

/** The environment for programs that we start: as our caller gave it, the start-up code's own additions taken out. */
export { callersEnvironment as childEnvironment } from "../kernel/startup.ts";
