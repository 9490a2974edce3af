// zdtm: {"category": "netns", "verifies": "TCP connections within a network namespace of the tree's own go on, with what is on its way", "needs": ["root"], "flavours": ["h"], "opts": ["--tcp-established"]}
#include "netns.h"

int main(void) {
  tst_begin();
  netns_leave();
  char text[64] = "";
  for (int family = AF_INET;; family = AF_INET6) {
    inet_name name;
    int listener = inet_bound(family, SOCK_STREAM, &name), client = tst_sys(socket(family, SOCK_STREAM, 0));
    tst_sys(listen(listener, 1));
    tst_sys(connect(client, &name.any, inet_length(family)));
    tst_check(accept(listener, NULL, NULL) == client + 1, "accept");
    tst_sys(send(client, "before", 6, 0));
    if (family == AF_INET6) break;
  }
  tst_ready();
  TST_SPOIL tst_sys(shutdown(4, SHUT_RDWR));
  for (int client = 4; client <= 7; client += 3) { /* listener, client, server of either version */
    int server = client + 1;
    tst_sys(send(client, " after", 6, MSG_NOSIGNAL));
    tst_check(recv(server, text, 12, MSG_WAITALL) == 12 && !memcmp(text, "before after", 12), "the server gets '%.12s'", text);
    tst_sys(send(server, "answer", 6, 0));
    tst_check(recv(client, text, 6, MSG_WAITALL) == 6, "the client gets no answer");
  }
  return tst_pass();
}
