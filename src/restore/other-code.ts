/** A puppet of 32-bit code below one of 64-bit code, or the other way round: the kernel makes such a task at its exec. */
import type { Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { receiveFd, type Service } from "../file/numbers.ts";
import { NR } from "../kernel/nr.ts";

const O_CLOEXEC = 0o2000000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** Has a fresh puppet execute the other kind of program; it keeps its end of the service socket. */
export function executeOther(puppet: Puppet, service: Service): Puppet {
  const run = ({ program }: Puppet, build: (program: Program) => void) => {
    build(program);
    program.run();
  };
  const survives = (on: boolean) => (program: Program) => {
    program.call(NR.fcntl, [service.theirs, F_SETFD, on ? 0 : FD_CLOEXEC], { what: "cannot keep the service socket" });
  };
  run(puppet, survives(true));
  const fresh = puppet.executeOther((fd) => {
    const theirs = service.theirs + 1;
    run(puppet, (program) => {
      const received = receiveFd(program, service, fd);
      program.call(NR.dup3, [received, theirs, O_CLOEXEC], { what: "cannot place a descriptor" });
      program.call(NR.close, [received]);
    });
    return theirs;
  });
  run(fresh, survives(false));
  return fresh;
}
