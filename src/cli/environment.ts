/** The one place that reads the environment. */

export interface Environment {
  home: string | undefined;
  configFile: string | undefined;
  deprecated: boolean;
  libsDir: string | undefined;
}

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  return {
    home: env.HOME,
    configFile: env.CRIU_CONFIG_FILE,
    deprecated: env.CRIU_DEPRECATED !== undefined,
    libsDir: env.CRIU_LIBS_DIR,
  };
}

/** The environment for programs that we start: as our caller gave it, the start-up code's own additions taken out. */
export { callersEnvironment as childEnvironment } from "../kernel/startup.ts";
