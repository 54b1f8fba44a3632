/* Publishes bulletins at a steady rate on librabbitmq, and says when it published each. It ends once the broker has confirmed
 * all of them: a quorum queue under load drops messages whose publisher has gone before.
 *
 *   publisher PORT ROUTING-KEY RATE [EXCHANGE=kentongan.intake] < JSON-LINES
 *
 * RATE a second; prints ID NANOSECONDS (since 1970).
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void require(int isGood, const char *what) {
    if (isGood) return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

/* The number of messages, from the first on, that the broker has confirmed. */
static uint64_t confirmed;

static long long now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Reads what the broker has to say, for at most so many microseconds; whether it confirmed something. */
static int confirm(amqp_connection_state_t link, long patience, uint64_t published) {
    static char *isConfirmed;
    static uint64_t size;
    if (published + 1 >= size) {
        isConfirmed = realloc(isConfirmed, published * 2 + 1);
        memset(isConfirmed + size, 0, published * 2 + 1 - size);
        size = published * 2 + 1;
    }
    amqp_frame_t frame;
    struct timeval time = {.tv_sec = patience / 1000000, .tv_usec = patience % 1000000};
    amqp_maybe_release_buffers(link);
    int code = amqp_simple_wait_frame_noblock(link, &frame, &time);
    if (code == AMQP_STATUS_TIMEOUT) return 0;
    require(code == AMQP_STATUS_OK && frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD,
            "a confirm");
    amqp_basic_ack_t *ack = frame.payload.method.decoded;
    /* Confirms come in any order; those before `confirmed` have all come. */
    if (!ack->multiple) isConfirmed[ack->delivery_tag] = 1;
    else if (ack->delivery_tag > confirmed) confirmed = ack->delivery_tag;
    while (isConfirmed[confirmed + 1]) confirmed++;
    return 1;
}

static void waitUntil(long long time) {
    struct timespec until = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)) {}
}

int main(int count, char **arguments) {
    require(count == 4 || count == 5, "usage: publisher PORT ROUTING-KEY RATE [EXCHANGE];");
    const char *exchange = count == 5 ? arguments[4] : "kentongan.intake";
    amqp_connection_state_t link = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(link);
    require(amqp_socket_open(socket, "127.0.0.1", atoi(arguments[1])) == 0, "connecting");
    amqp_rpc_reply_t reply = amqp_login(link, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    require(reply.reply_type == AMQP_RESPONSE_NORMAL, "login");
    amqp_channel_open(link, 1);
    amqp_confirm_select(link, 1);
    require(amqp_get_rpc_reply(link).reply_type == AMQP_RESPONSE_NORMAL, "a channel");
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG, .delivery_mode = 2,
        .content_type = amqp_cstring_bytes("application/json")};
    long long started = now(CLOCK_MONOTONIC), pause = 1e9 / atof(arguments[3]);
    char *line = NULL;
    size_t size = 0;
    uint64_t number = 0;
    for (; getline(&line, &size, stdin) > 0; number++) {
        char id[129];
        char *found = strstr(line, "\"id\"");
        require(found && sscanf(found, "\"id\" : \"%128[^\"]", id) == 1, "a line's id");
        waitUntil(started + number * pause);
        printf("%s %lld\n", id, now(CLOCK_REALTIME));
        int code = amqp_basic_publish(
            link, 1, amqp_cstring_bytes(exchange), amqp_cstring_bytes(arguments[2]), 0, 0, &properties,
            amqp_cstring_bytes(line));
        require(code == AMQP_STATUS_OK, "publishing");
        while (confirm(link, 0, number + 1)) {}
    }
    while (confirmed < number) require(confirm(link, 30000000, number), "a confirm within 30 seconds");
    require(amqp_connection_close(link, AMQP_REPLY_SUCCESS).reply_type == AMQP_RESPONSE_NORMAL, "closing");
    amqp_destroy_connection(link);
    return 0;
}
