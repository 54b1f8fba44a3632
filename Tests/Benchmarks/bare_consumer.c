/* The limit that intake is held against: takes N messages from a queue on librabbitmq, acknowledges every
 * hundredth with all before it, and does nothing else.
 *
 *   bare_consumer PORT QUEUE N      prints messages/s
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void require(int isGood, const char *what) {
    if (isGood) return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

int main(int count, char **arguments) {
    require(count == 4, "usage: bare_consumer PORT QUEUE N;");
    long wanted = atol(arguments[3]), taken = 0;
    amqp_connection_state_t link = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(link);
    require(amqp_socket_open(socket, "127.0.0.1", atoi(arguments[1])) == 0, "connecting");
    amqp_rpc_reply_t reply = amqp_login(link, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    require(reply.reply_type == AMQP_RESPONSE_NORMAL, "login");
    amqp_channel_open(link, 1);
    amqp_basic_qos(link, 1, 0, 1000, 0);
    amqp_basic_consume(link, 1, amqp_cstring_bytes(arguments[2]), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    require(amqp_get_rpc_reply(link).reply_type == AMQP_RESPONSE_NORMAL, "consuming");
    double started = 0;
    while (taken < wanted) {
        amqp_envelope_t envelope;
        amqp_maybe_release_buffers(link);
        require(amqp_consume_message(link, &envelope, NULL, 0).reply_type == AMQP_RESPONSE_NORMAL, "a message");
        if (taken++ == 0) started = now();
        if (taken % 100 == 0 || taken == wanted) amqp_basic_ack(link, 1, envelope.delivery_tag, 1);
        amqp_destroy_envelope(&envelope);
    }
    printf("%.0f\n", taken / (now() - started));
    amqp_connection_close(link, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(link);
    return 0;
}
