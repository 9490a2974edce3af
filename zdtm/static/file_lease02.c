// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "leases that are being broken go on being broken, to what they shall become, with their signal, and nobody is told twice"}
#include "leases.h"

int main(void) {
  tst_begin();
  int down = lease_take("down", O_RDONLY, F_WRLCK), gone = lease_take("gone", O_RDWR, F_WRLCK);
  int read_only = lease_take("read_only", O_RDONLY, F_RDLCK), whole = lease_take("whole", O_RDWR, F_WRLCK);
  tst_check(lease_refuses("down", O_RDONLY) && lease_told() == down, "the first lease is not broken");
  tst_check(lease_refuses("gone", O_WRONLY) && lease_told() == gone, "the second lease is not broken");
  tst_check(lease_refuses("read_only", O_WRONLY) && lease_told() == read_only, "the third lease is not broken");
  tst_ready();
  tst_check(lease_told() == -1, "somebody is told twice");
  TST_SPOIL tst_sys(fcntl(down, F_SETLEASE, F_UNLCK));
  tst_check(fcntl(down, F_GETLEASE) == F_RDLCK && fcntl(gone, F_GETLEASE) == F_UNLCK &&
                fcntl(read_only, F_GETLEASE) == F_UNLCK && fcntl(whole, F_GETLEASE) == F_WRLCK,
            "the leases are %d, %d, %d, %d", fcntl(down, F_GETLEASE), fcntl(gone, F_GETLEASE),
            fcntl(read_only, F_GETLEASE), fcntl(whole, F_GETLEASE));
  tst_check(fcntl(down, F_GETSIG) == LEASE_SIGNAL, "the signal is %d", fcntl(down, F_GETSIG));
  tst_check(lease_refuses("down", O_RDONLY) && lease_refuses("gone", O_RDONLY), "a lease is not in the way any more");
  tst_check(lease_refuses("read_only", O_WRONLY) && !lease_refuses("read_only", O_RDONLY), "the third lease differs");
  tst_sys(fcntl(down, F_SETLEASE, F_RDLCK));
  tst_sys(fcntl(gone, F_SETLEASE, F_UNLCK));
  tst_check(!lease_refuses("down", O_RDONLY) && !lease_refuses("gone", O_WRONLY), "a lease does not give way");
  tst_check(lease_refuses("down", O_WRONLY) && lease_told() == down, "what is left of the first lease tells nothing");
  return tst_pass();
}
