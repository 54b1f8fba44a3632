#ifndef KENTONGAN_CRABBITMQ_SHIM_H
#define KENTONGAN_CRABBITMQ_SHIM_H

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

/* Swift cannot call a C variadic function, which librabbitmq's login is. */
static inline amqp_rpc_reply_t crabbitmq_login_plain(
    amqp_connection_state_t state, char const *vhost, int frame_max, int heartbeat,
    const amqp_table_t *properties, char const *username, char const *password) {
  return amqp_login_with_properties(state, vhost, 0, frame_max, heartbeat, properties,
                                    AMQP_SASL_METHOD_PLAIN, username, password);
}

/* Closed on exec, and never blocking: the flags are an enum that Swift sees as another type. */
static inline int crabbitmq_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/* prctl is variadic too. The kernel keeps 15 bytes. */
static inline void crabbitmq_name_thread(char const *name) { prctl(PR_SET_NAME, name); }

#endif
